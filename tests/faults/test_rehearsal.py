"""What `deploy/rehearse` calls wrong."""

import pytest

from tests.faults.load import OK, Call, Record
from tests.faults.rehearsal import FAULTS, Row

ROLLING, CRASH = (next(fault for fault in FAULTS if fault.name == name) for name in ("rolling", "crash"))
ENDED = 10.0
RIGHT = Call("me", 11, 12, OK)


def verdicts(fault, *calls, lost=()):
    """Of a row with these calls, without its name."""
    row = Row(fault, Record(calls=list(calls), lost=list(lost)), 0, ENDED)
    return [verdict.partition(": ")[2] for verdict in row.verdicts()]


def test_a_fault_that_is_told_and_ends_is_right():
    """Clients may see 503, and when to try again."""
    assert verdicts(CRASH, Call("me", 5, 6, "503", retry_after=True), RIGHT) == []


@pytest.mark.parametrize(
    ("calls", "verdict"),
    [
        ([Call("me", 5, 6, "503")], "an answer 503 does not say when to try again"),
        ([Call("me", 5, 6, "500")], "failures were answered with 500"),
        ([Call("me", 5, 6, "200")], "failures were answered with 200"),
    ],
)
def test_a_wrong_answer_is_noticed(calls, verdict):
    """Whatever the fault."""
    assert verdicts(CRASH, *calls, RIGHT) == [verdict]


def test_a_service_that_does_not_come_back_is_noticed():
    """It fails with the right answers, for ever."""
    before, since = Call("me", 5, 12, OK), Call("me", 12, 13, "503", retry_after=True)

    assert verdicts(CRASH, before, since) == ["nothing was right again"]


def test_a_lost_session_is_noticed():
    """S17: a refresh that was refused, for one."""
    assert verdicts(CRASH, RIGHT, lost=["INVALID_GRANT to refreshToken"]) == [
        "sessions were lost: INVALID_GRANT to refreshToken"
    ]


def test_a_rolling_restart_may_fail_no_call():
    """Not even with 503."""
    assert verdicts(ROLLING, Call("me", 5, 6, "503", retry_after=True), RIGHT) == ["calls failed"]

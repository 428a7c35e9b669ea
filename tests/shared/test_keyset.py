"""Parts of a list by position: every kind of part, compiled or not, has the rows that counting finds."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.people.models import Account
from accounts.shared.keyset import Part, Parts, Position, found_forwards, found_in
from tests.schema.test_statements import statements

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
POSITIONS = [None, 0, 3, 4, 8, 11]


@pytest.fixture
def listed() -> list[Account]:
    """Twelve accounts, newest first; three each joined at the same moment, some of them at a full second."""
    Account.objects.bulk_create(
        Account(
            email=f"user{n}@example.com",
            username=f"user{n}",
            first_name="U",
            date_joined=BEGIN + timedelta(milliseconds=500 * (n // 3)),
        )
        for n in range(12)
    )
    return sorted(Account.objects.all(), key=lambda account: (account.date_joined, account.pk), reverse=True)


@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("before", POSITIONS)
@pytest.mark.parametrize("after", POSITIONS)
def test_a_part_has_the_rows_between_its_positions(listed, after, before, from_end):
    """Also none, where the positions cross."""

    def position(index: int | None) -> Position | None:
        return None if index is None else Position(listed[index].date_joined, listed[index].pk)

    part = Part(after=position(after), before=position(before), from_end=from_end, limit=3)
    between = listed[0 if after is None else after + 1 : before]
    expected = [account.pk for account in (between[::-1] if from_end else between)[:3]]
    parts = Parts(Account, lambda: Account.objects.values_list("pk"), by="date_joined")

    assert [account.pk for account in found_in(part, Account.objects.all(), by="date_joined")] == expected
    assert [pk for (pk,) in parts.rows(part)] == expected


def test_the_limit_is_no_part_of_what_is_compiled(listed):
    """Else each size of a page would keep a statement of its own."""
    parts = Parts(Account, lambda: Account.objects.values_list("pk"), by="date_joined")

    with statements() as sent:
        sizes = [len(parts.rows(Part(after=None, before=None, from_end=False, limit=n))) for n in (1, 5, 101)]

    assert sizes == [1, 5, 12]
    assert [sql.rpartition("LIMIT ")[2] for sql in sent] == ["1", "5", "101"]
    assert sum(len(statement._compiled) for statement in parts._statements.values()) == 1


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("at_once", [1, 5, 6, 12, 50])
def test_a_whole_list_is_found_in_parts(listed, newest_first, at_once):
    """Each row once, in order, from the start or from behind a position."""
    expected = listed if newest_first else listed[::-1]
    behind = Position(expected[3].date_joined, expected[3].pk)

    def found(after: Position | None) -> list[Account]:
        rows = Account.objects.all()
        return list(found_forwards(rows, by="date_joined", after=after, newest_first=newest_first, at_once=at_once))

    assert found(None) == expected
    assert found(behind) == expected[4:]

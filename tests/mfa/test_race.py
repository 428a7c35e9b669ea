"""S57, S63: of simultaneous answers one succeeds, on the database that DATABASE_URL names."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pyotp
import pytest

from tests.api import PASSWORD
from tests.e2e.test_refresh_race import at_once
from tests.live import UNLIMITED, Live, serving
from tests.mfa.calls import ANSWER, CONFIRM, CREATE, FINISH, SIGN_IN

ROUNDS = 3
AT_ONCE = 6
MAKE = """
import json
from accounts.people.models import Account
from tests.mfa.enrolled import with_app, with_codes
made = []
for number in range({number}):
    fields = {{"username": f"ada{{number}}", "first_name": "Ada", "email_verified": True}}
    account = Account.objects.create_user(email=f"ada{{number}}@example.com", password="{password}", **fields)
    made.append([account.email, with_app(account), with_codes(account)])
print(json.dumps(made))
"""


@pytest.fixture
def live(tmp_path) -> Iterator[Live]:
    """Four processes with eight threads each."""
    with serving(tmp_path, WORKERS="4", THREADS="8", **UNLIMITED) as server:
        yield server


@pytest.fixture
def people(live) -> list[list[Any]]:
    """Addresses with the secret of an app and recovery codes."""
    made = live.manage("shell", "--no-imports", "-c", MAKE.format(number=ROUNDS, password=PASSWORD))
    return json.loads(made)


def post(live: Live, query: str, **given: Any) -> Any:
    """The payload of a mutation, which is never a server error."""
    status, body = live.post(query, input=given)
    assert status == 200, body
    [payload] = body["data"].values()
    return payload


def challenges(live: Live, email: str, number: int) -> list[str]:
    """The tokens of so many sign-ins that wait."""
    payloads = [post(live, SIGN_IN, email=email, password=PASSWORD) for _ in range(number)]
    return [payload["challenge"]["token"] for payload in payloads]


def outcomes(payloads: list[Any]) -> Counter[str]:
    """How often each code came, and success."""
    found = [[error["code"] for error in payload["errors"]] or ["success"] for payload in payloads]
    return Counter(code for codes in found for code in codes)


def test_a_code_counts_once_for_simultaneous_sign_ins(live, people):
    """Each with a challenge of its own."""
    for email, secret, _recovery in people:
        factor = {"totpCode": pyotp.TOTP(secret).now()}
        tokens = challenges(live, email, AT_ONCE)

        payloads = at_once(*(partial(post, live, ANSWER, challengeToken=token, factor=factor) for token in tokens))

        assert outcomes(payloads) == {"success": 1, "INVALID_CODE": AT_ONCE - 1}


def test_a_recovery_code_counts_once_for_simultaneous_sign_ins(live, people):
    """The same; and none of the others is lost."""
    for email, _secret, recovery in people:
        tokens = challenges(live, email, AT_ONCE + 1)
        factor = {"recoveryCode": recovery[0]}

        payloads = at_once(*(partial(post, live, ANSWER, challengeToken=token, factor=factor) for token in tokens[1:]))

        assert outcomes(payloads) == {"success": 1, "INVALID_CODE": AT_ONCE - 1}
        assert post(live, ANSWER, challengeToken=tokens[0], factor={"recoveryCode": recovery[1]})["tokens"]


def test_a_challenge_is_answered_once(live, people):
    """By simultaneous answers that are all right."""
    for email, _secret, recovery in people:
        [token] = challenges(live, email, 1)

        payloads = at_once(
            *(
                partial(post, live, ANSWER, challengeToken=token, factor={"recoveryCode": code})
                for code in recovery[:AT_ONCE]
            )
        )

        assert outcomes(payloads) == {"success": 1, "INVALID_CHALLENGE": AT_ONCE - 1}


def test_an_enrollment_is_confirmed_and_finished_once(tmp_path):
    """One app, one set of recovery codes, one session."""
    with serving(tmp_path, WORKERS="4", THREADS="8", MFA_REQUIRED_FOR="all", **REQUIRING) as live:
        made = MAKE.format(number=1, password=PASSWORD).replace("with_app(account), with_codes(account)", "None, None")
        [[email, _secret, _recovery]] = json.loads(live.manage("shell", "--no-imports", "-c", made))
        [token] = challenges(live, email, 1)
        enrollment = post(live, CREATE, challengeToken=token)["enrollment"]
        code = pyotp.TOTP(enrollment["secret"]).now()
        confirming = partial(post, live, CONFIRM, challengeToken=enrollment["token"], code=code)

        confirmed = at_once(*[confirming] * AT_ONCE)
        finished = at_once(*[partial(post, live, FINISH, challengeToken=token)] * 2)

    assert outcomes(confirmed) == {"success": 1, "INVALID_CHALLENGE": AT_ONCE - 1}
    assert sorted(len(payload["recoveryCodes"]) for payload in confirmed) == [0] * (AT_ONCE - 1) + [10]
    assert outcomes(finished) == {"success": 1, "INVALID_CHALLENGE": 1}


REQUIRING = {**UNLIMITED, "EMAIL_VERIFICATION": "mandatory"}

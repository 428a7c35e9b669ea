"""S8: of simultaneous uses of mailed codes one succeeds, on the database that DATABASE_URL names."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from accounts.mails.models import Purpose
from tests.api import PASSWORD, REGISTER
from tests.e2e.test_refresh_race import at_once
from tests.live import UNLIMITED, Live, serving
from tests.login_codes.asking import REQUEST, SIGN_IN, by_code

ROUNDS = 4
READ = f"""
import json
from accounts.mails import codes
from accounts.mails.models import MailedCode
found = MailedCode.objects.filter(purpose="{Purpose.SIGN_IN}").order_by("created_at")
print(json.dumps([[code.email, codes.typed_code(code), codes.link_token(code)] for code in found]))
"""


@pytest.fixture
def live(tmp_path) -> Iterator[Live]:
    """Four processes with eight threads each."""
    with serving(tmp_path, WORKERS="4", THREADS="8", **UNLIMITED) as server:
        yield server


def post(live: Live, query: str, **given: Any) -> Any:
    """The payload of a mutation, which is never a server error."""
    status, body = live.post(query, input=given)
    assert status == 200, body
    [payload] = body["data"].values()
    return payload


def mailed(live: Live, people: list[str], mails: int) -> dict[str, list[dict[str, Any]]]:
    """The credentials of so many mails to each: code and link of each mail."""
    tokens = {
        email: [post(live, REQUEST, email=email)["mailedCode"]["token"] for _ in range(mails)] for email in people
    }
    credentials: dict[str, list[dict[str, Any]]] = {email: [] for email in people}
    for email, code, link in json.loads(live.manage("shell", "--no-imports", "-c", READ)):
        token = tokens[email].pop(0)
        credentials[email] += [by_code(token, code), {"linkToken": link}]
    return credentials


@pytest.mark.parametrize("mails", [1, 4])
def test_simultaneous_uses_of_an_accounts_mails_sign_in_once(live, mails):
    """The same code and link, or those of different mails: no 5xx, and nobody waits for each other for good.

    The accounts were never verified, so that each success would hand the account over.
    """
    people = [f"person{number}@example.com" for number in range(ROUNDS)]
    for email in people:
        name = email.partition("@")[0]
        post(live, REGISTER, email=email, username=name, firstName="Ada", password=PASSWORD)

    for credentials in mailed(live, people, mails).values():
        sign_in = [partial(post, live, SIGN_IN, credential=credential) for credential in credentials]

        payloads = at_once(*sign_in * (8 // len(sign_in)))

        outcomes = Counter(error["code"] for payload in payloads for error in payload["errors"])
        assert outcomes == {"EXPIRED_CODE": 7}
        assert sum(payload["tokens"] is not None for payload in payloads) == 1

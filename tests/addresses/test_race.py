"""What happens at the same moment, over HTTP: each call succeeds or is refused, and none fails with a 5xx."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from tests.addresses.conftest import CANCEL, CONFIRM, REQUEST, UNDO
from tests.api import ME, REFRESH, REGISTER, TOKEN_AUTH, codes
from tests.factories import PASSWORD
from tests.live import UNLIMITED, Live, serving

TOKENS = """
from accounts.mails import codes
from accounts.mails.models import MailedCode
rows = MailedCode.objects.filter(purpose="{}").order_by("created_at")
print("tokens:", *map(codes.link_token, rows))
"""
NEW = "new@example.com"
Call = Callable[[], Any]


def mailed(live: Live, purpose: str) -> list[str]:
    """The tokens of all links of a purpose, oldest first."""
    return live.manage("shell", "-c", TOKENS.format(purpose)).rpartition("tokens:")[2].split()


def person(live: Live, name: str) -> dict[str, str]:
    """The tokens of a new account."""
    given = {"email": f"{name}@example.com", "username": name, "firstName": "P", "password": PASSWORD}
    pair: dict[str, str] = live.post(REGISTER, input=given)[1]["data"]["register"]["tokens"]
    return pair


def bearer(pair: dict[str, str]) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {pair['accessToken']}"}


def at_once(calls: list[Call]) -> list[Any]:
    """The answers, in the order of the calls."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def test_two_accounts_cannot_get_one_address(tmp_path):
    """S4: one has it, the other hears that it is taken; a link that is pressed twice at once works once."""
    with serving(tmp_path, WORKERS="2", THREADS="16", **UNLIMITED) as live:
        pairs = [person(live, name) for name in ("ada", "grace")]
        for pair in pairs:
            live.post(REQUEST, headers=bearer(pair), input={"newEmail": NEW})
        tokens = mailed(live, "change_email")
        press = [
            partial(live.post, CONFIRM, headers=bearer(pair), input={"token": token})
            for pair, token in zip(pairs, tokens, strict=True)
        ]
        sign_in = [partial(signs_in, live, email) for email in ("ada@example.com", NEW)]

        answers = at_once([*press, *press, *sign_in])[:4]

        payloads = [body["data"]["confirmEmailChange"] for _status, body in answers]
        assert sorted(map(codes, payloads)).count([]) == 1
        assert {code for payload in payloads for code in codes(payload)} <= {"EMAIL_TAKEN", "EXPIRED_CODE"}
        assert [signs_in(live, name) for name in (NEW, "ada@example.com", "grace@example.com")].count(True) == 2


def signs_in(live: Live, email: str) -> bool:
    """Whether an account has the address."""
    payload = live.post(TOKEN_AUTH, input={"email": email, "password": PASSWORD})[1]["data"]["tokenAuth"]
    return payload["errors"] == []


def test_an_undo_leaves_nobody_signed_in(tmp_path):
    """S12, S21: whatever a thief does at that moment."""
    with serving(tmp_path, WORKERS="2", THREADS="32", **UNLIMITED) as live:
        people = {name: person(live, name) for name in ("p1", "p2", "p3")}
        verify = "from accounts.people.models import Account; Account.objects.update(email_verified=True)"
        live.manage("shell", "-c", verify)
        for name, pair in people.items():
            live.post(REQUEST, headers=bearer(pair), input={"newEmail": f"thief-{name}@example.com"})
        for pair, token in zip(people.values(), mailed(live, "change_email"), strict=True):
            live.post(CONFIRM, headers=bearer(pair), input={"token": token})

        for (name, pair), token in zip(people.items(), mailed(live, "undo_email_change"), strict=True):
            undone, *others = at_once([partial(live.post, UNDO, input={"token": token}), *thief(live, name, pair)])

            assert (undone[0], undone[1]["data"]["undoEmailChange"]["errors"]) == (200, [])
            assert {status for status, _body in others} <= {200, 401}
            payloads = [payload for _status, body in others for payload in (body.get("data") or {}).values()]
            got = [pair, *(payload["tokens"] for payload in payloads if payload.get("tokens"))]
            assert {live.post(ME, headers=bearer(tokens))[0] for tokens in got} == {401}
            assert not signs_in(live, f"{name}@example.com")


def thief(live: Live, name: str, pair: dict[str, str]) -> list[Call]:
    """What somebody does who has the session, the password and the new address."""
    credentials = {"email": f"thief-{name}@example.com", "password": PASSWORD}
    return [
        *[partial(live.post, REFRESH, input={"refreshToken": pair["refreshToken"]})] * 2,
        *[partial(live.post, TOKEN_AUTH, input=credentials)] * 2,
        *[partial(live.post, REQUEST, headers=bearer(pair), input={"newEmail": f"again-{name}@example.com"})] * 2,
        partial(live.post, CANCEL, headers=bearer(pair)),
    ]

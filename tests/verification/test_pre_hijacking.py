"""S9, S85, S87: who came first with somebody else's address keeps nothing, once its holder confirms it.

The attacks of arXiv 2205.10174. Here the victim follows the mailed link; in tests/social/test_pre_hijacking.py the
victim signs in through a provider.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from social_django.models import UserSocialAuth

from accounts.mails import codes as mailed
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import Purpose
from accounts.people.models import Account
from accounts.tokens.models import Session
from tests.api import LINK, ME, PASSWORD, REFRESH, TOKEN_AUTH, codes
from tests.live import serving
from tests.mails import link_token, typed_code
from tests.verification import calls
from tests.verification.calls import ADDRESS, NEW

EVE = {"username": "eve", "firstName": "Eve"}


@pytest.fixture
def attacker(register) -> Any:
    """The tokens of who has registered the victim's address."""
    return register(**EVE)["tokens"]


@pytest.fixture
def victim_confirms(press):
    """By the mailed link, with a password of their own."""

    def confirm() -> None:
        assert press(link_token(ADDRESS, Purpose.VERIFY), newPassword=NEW)["errors"] == []

    return confirm


def opens(graphql, password: str) -> bool:
    """Whether this password signs in with the victim's address."""
    return codes(graphql(TOKEN_AUTH, input={"email": ADDRESS, "password": password}).data["tokenAuth"]) == []


def test_classic_federated_merge(graphql, attacker, victim_confirms, convert):
    """The attacker's password opens nothing; the victim's opens the account, and so does the victim's identity."""
    victim_confirms()

    assert (opens(graphql, PASSWORD), opens(graphql, NEW)) == (False, True)
    assert codes(convert(email_verified=True)) == ["LINK_REQUIRED"]


def test_unexpired_session(graphql, attacker, victim_confirms):
    """Neither the access token nor the refresh token works any more, and nobody is signed in."""
    victim_confirms()

    assert graphql(ME, token=attacker["accessToken"]).status == 401
    again = graphql(REFRESH, input={"refreshToken": attacker["refreshToken"]}).data["refreshToken"]
    assert codes(again) == ["INVALID_GRANT"]
    assert not Session.objects.exists()


def test_trojan_identifier(graphql, attacker, victim_confirms, providers):
    """The attacker's identity, linked before, opens another account from now on."""
    credential = {"accessToken": providers.facebook_token(email="eve@example.com")}
    mine = {"provider": "facebook", "credential": credential}
    linked = graphql(LINK, token=attacker["accessToken"], input={"source": {"credential": mine}})
    assert linked.data["linkSocialAccount"]["errors"] == []

    victim_confirms()

    assert not UserSocialAuth.objects.exists()
    again = graphql(calls.CONVERT, input=mine).data["convertSocialToken"]
    assert again["account"]["id"] != linked.data["linkSocialAccount"]["account"]["id"]


@pytest.mark.parametrize("purpose", sorted(set(Purpose) - {Purpose.VERIFY}))
def test_unexpired_email_change(attacker, victim_confirms, purpose):
    """Whatever the attacker had mailed, to whichever mailbox, is dead; a change of the address first of all."""
    account = Account.objects.get()
    code = mailed.create(purpose, email="eve@example.com", account=account, lifetime=3600)

    victim_confirms()

    with pytest.raises(ExpiredCode):
        mailed.by_link(mailed.link_token(code), purpose)
    assert Account.objects.get().email == ADDRESS


def test_non_verifying_provider(graphql, convert, victim_confirms):
    """The attacker came through a provider that does not verify addresses."""
    first = convert(sub="eve")
    assert first["errors"] == []

    victim_confirms()

    assert graphql(ME, token=first["tokens"]["accessToken"]).status == 401
    assert codes(convert(sub="eve")) == ["LINK_REQUIRED"]
    assert not UserSocialAuth.objects.exists()


def test_a_code_that_the_attacker_waits_for(graphql, attacker, victim_confirms):
    """Sixth: what needs a confirmed address, as factors do (S87), is out of reach: the attacker cannot confirm it."""
    code = typed_code(ADDRESS, Purpose.VERIFY)

    victim_confirms()

    answer = graphql(calls.VERIFY, token=attacker["accessToken"], input={"code": code})
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


class TestWhereConfirmationIsMandatory:
    """There the attacker has no account, only a registration that waits."""

    pytestmark = pytest.mark.usefixtures("mandatory")

    @pytest.fixture
    def waiting(self, register) -> Any:
        """The attacker's challenge."""
        return register(**EVE)["challenge"]

    def test_the_victim_signs_up_through_a_provider(self, graphql, waiting, answer, convert):
        """The attacker's password never opens the account, and even the right code does not finish the registration."""
        code = typed_code(ADDRESS, Purpose.VERIFY)
        assert convert(email_verified=True)["errors"] == []

        assert not opens(graphql, PASSWORD)
        assert codes(answer(waiting, code)) == ["EMAIL_TAKEN"]
        assert Session.objects.count() == 1

    def test_the_victim_presses_the_attackers_link(self, graphql, waiting, answer, victim_confirms):
        """The account is the victim's; the challenge is dead."""
        victim_confirms()

        assert (opens(graphql, PASSWORD), opens(graphql, NEW)) == (False, True)
        assert codes(answer(waiting, "BCDF-GHJK")) == ["INVALID_CHALLENGE"]

    def test_the_victim_registers_too(self, graphql, waiting, register, answer):
        """Each code is good for its own registration: the victim's finishes the victim's."""
        mine = register(password=NEW)["challenge"]

        assert answer(mine, typed_code(ADDRESS, Purpose.VERIFY))["errors"] == []
        assert (opens(graphql, PASSWORD), opens(graphql, NEW)) == (False, True)

    def test_the_attackers_identity_waits_with_the_victims_address(self, convert, answer, victim_confirms):
        """It is linked to nothing."""
        waiting = convert(sub="eve")["challenge"]
        victim_confirms()

        assert codes(answer(waiting, "BCDF-GHJK")) == ["INVALID_CHALLENGE"]
        assert not UserSocialAuth.objects.exists()


def test_of_many_at_once_one_succeeds(tmp_path):
    """S63: a link pressed and a code sent from six connections, at a real server, create one account each."""
    with serving(tmp_path, WORKERS="2", THREADS="4", EMAIL_VERIFICATION="mandatory") as live:

        def secret(function: str, email: str) -> str:
            """What was mailed."""
            row = f"codes.{function}(MailedCode.objects.get(email='{email}'))"
            script = f"from accounts.mails import codes; from accounts.models import MailedCode; print({row})"
            return live.manage("shell", "-v", "0", "-c", script).strip()

        def at_once(operation: str, given: dict[str, Any]) -> list[list[str]]:
            """The codes of six calls."""
            together = threading.Barrier(6, timeout=30)

            def send(_number: int) -> list[str]:
                together.wait()
                status, body = live.post(operation, input=given)
                assert status == 200, body
                return codes(next(iter(body["data"].values())))

            with ThreadPoolExecutor(6) as pool:
                return sorted(pool.map(send, range(6)))

        live.post(calls.REGISTER, input=calls.ADA)
        other = {**calls.ADA, "email": "grace@example.com", "username": "grace"}
        challenge = live.post(calls.REGISTER, input=other)[1]["data"]["register"]["challenge"]
        link = {"token": secret("link_token", ADDRESS), "newPassword": NEW}
        pressed = at_once(calls.VERIFY, {"link": link})
        code = secret("typed_code", "grace@example.com")
        sent = at_once(calls.ANSWER, {"challengeToken": challenge["token"], "code": code})

    # A press may find no free slot for hashing.
    late = {"EXPIRED_CODE", "INVALID_CHALLENGE", "RATE_LIMITED"}
    for outcomes in (pressed, sent):
        assert outcomes.count([]) == 1
        assert {code for outcome in outcomes for code in outcome} <= late

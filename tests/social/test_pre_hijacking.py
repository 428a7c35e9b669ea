"""S9: who came first with somebody else's address keeps nothing, once its holder signs in (arXiv 2205.10174)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import pytest
from social_django.models import UserSocialAuth

from accounts.challenges.models import Challenge
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.social import challenges
from accounts.social.claims import Claims
from accounts.social.sign_up import AddressTaken
from accounts.social.verification import Identity
from accounts.tokens.models import Session
from tests.api import CONVERT, LINK, ME, PASSWORD, REFRESH, REGISTER, TOKEN_AUTH, UNLINK, codes
from tests.factories import make_account
from tests.live import Live, serving
from tests.providers.server import Server
from tests.providers.stored import nothing_changes
from tests.social.identifying import identify

pytestmark = pytest.mark.django_db

ADDRESS = "ada@example.com"
REGISTRATION = {"email": ADDRESS, "username": "attacker", "firstName": "Eve", "password": PASSWORD}


@pytest.fixture
def attacker(graphql) -> dict[str, Any]:
    """Has registered the victim's address, and is signed in."""
    payload = graphql(REGISTER, input=REGISTRATION).data["register"]
    assert payload["errors"] == []
    return payload


@pytest.fixture
def victim_signs_in(graphql, providers):
    """By Google, which has verified the address."""

    def sign_in(**person: Any) -> Any:
        credential = {"accessToken": providers.google_token(**person)}
        return graphql(CONVERT, input={"provider": "google", "credential": credential}).data["convertSocialToken"]

    return sign_in


def test_classic_federated_merge(graphql, attacker, victim_signs_in):
    """The attacker's password opens nothing any more; the victim is in, and has an account for themselves."""
    payload = victim_signs_in()

    assert payload["errors"] == []
    refused = graphql(TOKEN_AUTH, input={"email": ADDRESS, "password": PASSWORD}).data["tokenAuth"]
    assert codes(refused) == ["INVALID_CREDENTIALS"]
    account = Account.objects.get()
    assert account.email_verified
    assert not account.has_usable_password()


def test_unexpired_session(graphql, attacker, victim_signs_in):
    """The attacker's access and refresh tokens are dead."""
    victim_signs_in()

    assert graphql(ME, token=attacker["tokens"]["accessToken"]).status == 401
    again = graphql(REFRESH, input={"refreshToken": attacker["tokens"]["refreshToken"]}).data["refreshToken"]
    assert codes(again) == ["INVALID_GRANT"]
    assert Session.objects.count() == 1


def test_trojan_identifier(graphql, attacker, victim_signs_in, providers):
    """The attacker's own social account, linked before, signs the attacker in to another account from now on."""
    mine = {"accessToken": providers.facebook_token(email="eve@example.com")}
    source = {"credential": {"provider": "facebook", "credential": mine}}
    token = attacker["tokens"]["accessToken"]
    assert graphql(LINK, token=token, input={"source": source}).data["linkSocialAccount"]["errors"] == []

    victim = victim_signs_in()["account"]

    assert [one.provider for one in UserSocialAuth.objects.all()] == ["google-oauth2"]
    eve = {"provider": "facebook", "credential": {"accessToken": providers.facebook_token(email="eve@example.com")}}
    assert graphql(CONVERT, input=eve).data["convertSocialToken"]["account"]["id"] != victim["id"]


def test_pending_challenge(graphql, attacker, victim_signs_in, providers):
    """Nothing that the attacker left waiting for the account can be finished."""
    account = Account.objects.get()
    identity = Identity(provider="facebook", claims=Claims(sub="666"))
    Challenge.objects.create(
        digest="0" * 64,
        kind=challenges.LINK,
        client=Session.objects.get().client,
        account=account,
        data=asdict(identity),
        expires_at="2100-01-01T00:00Z",
    )

    victim_signs_in()

    assert not Challenge.objects.exists()


def test_non_verifying_provider(graphql, providers, victim_signs_in):
    """The attacker came through a provider that does not verify addresses."""
    credential = {"accessToken": providers.facebook_token(id="666")}
    first = graphql(CONVERT, input={"provider": "facebook", "credential": credential}).data["convertSocialToken"]
    assert not Account.objects.get().email_verified

    victim = victim_signs_in()

    assert victim["errors"] == []
    assert graphql(ME, token=first["tokens"]["accessToken"]).status == 401
    again = {"accessToken": providers.facebook_token(id="666")}
    payload = graphql(CONVERT, input={"provider": "facebook", "credential": again}).data["convertSocialToken"]
    assert codes(payload) == ["LINK_REQUIRED"]


def test_the_account_itself_stays(attacker, victim_signs_in):
    """Perhaps it was the holder all the time, who never had a way to verify the address: what is theirs is kept."""
    payload = victim_signs_in()

    assert payload["account"] == attacker["account"]
    assert not payload["isNewAccount"]


@pytest.mark.parametrize("verified", [False, "false", None])
def test_an_unverified_address_displaces_nobody(attacker, victim_signs_in, verified):
    """S32: else the attack would only change sides."""
    with nothing_changes():
        payload = victim_signs_in(email_verified=verified)

    assert codes(payload) == ["LINK_REQUIRED"]


@pytest.mark.parametrize("fields", [{"email_verified": True}, {"is_staff": True}, {"is_superuser": True}])
def test_who_is_never_displaced(providers, fields):
    """Who has shown the address; and staff, whose accounts are made by others and open more than themselves."""
    account = make_account(email=ADDRESS, **fields)

    with nothing_changes():
        outcome = identify(provider="google", access_token=providers.google_token())
    assert outcome == AddressTaken(account=account)


def test_a_disabled_account_is_not_taken_over(providers, caplog):
    """S34: whoever disabled it had a reason. Operators are not told that it was."""
    make_account(email=ADDRESS, is_active=False)

    with nothing_changes(), pytest.raises(AccountDisabled):
        identify(provider="google", access_token=providers.google_token())

    assert "taken over" not in caplog.text


WAYS = ["sign in", "refresh", "link", "unlink and link"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The providers of `live`."""
    started = Server()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def live(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A real server.

    It has so many threads that one provider, flooded, leaves the victim's a place (S92).
    """
    directory = tmp_path_factory.mktemp("live")
    with serving(directory, WORKERS="2", THREADS="16", **server.providers.environment) as started:
        yield started


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_is_under_way_survives(live, server, way):
    """The attacker does it all the time, from many connections, while the victim signs in once. A real server.

    The victim is signed in at the first attempt, and of the attacker's tokens and identities none opens the account.
    """
    providers = server.providers
    for number in range(3):
        person = f"{WAYS.index(way)}{number}"
        email = f"victim{person}@example.com"
        attacker = Attacker(live, providers, email, person)
        stop = threading.Event()
        with ThreadPoolExecutor(6) as pool:
            attempts = [pool.submit(attacker.go_on, way, stop) for _ in range(6)]
            stop.wait(0.5)
            credential = {"accessToken": providers.google_token(sub=person, email=email)}
            status, body = live.post(CONVERT, input={"provider": "google", "credential": credential})
            stop.wait(0.5)
            stop.set()
            stolen = {token for attempt in attempts for token in attempt.result()}

        assert (status, body.get("errors")) == (200, None)
        victim = body["data"]["convertSocialToken"]
        assert victim["errors"] == []
        assert attacker.opens({victim["tokens"]["accessToken"]})
        assert stolen
        assert attacker.opens(stolen) == []
        assert attacker.identity_opens() != victim["account"]["id"]


class Attacker:
    """Has registered the victim's address."""

    def __init__(self, live: Live, providers: Any, email: str, person: str) -> None:
        self.live, self.email = live, email
        self.facebook = providers.facebook_token(id=f"666{person}", email=f"eve{person}@example.com")
        given = {**REGISTRATION, "email": email, "username": f"attacker{person}"}
        self.tokens = live.post(REGISTER, input=given)[1]["data"]["register"]["tokens"]

    def go_on(self, way: str, stop: threading.Event) -> set[str]:
        """Until told to stop; the access tokens that were got."""
        got = {self.tokens["accessToken"]}
        # Each connection refreshes a session of its own: they share no lock but the account's.
        mine = (self._post(TOKEN_AUTH, {"email": self.email, "password": PASSWORD}) or {}).get("tokens")
        while not stop.is_set():
            if way == "sign in":
                payload = self._post(TOKEN_AUTH, {"email": self.email, "password": PASSWORD})
            elif way == "refresh":
                payload = self._post(REFRESH, {"refreshToken": mine["refreshToken"]}) if mine else None
            else:
                payload = self._link(unlink_first=way != "link")
            if payload is None:
                break
            if "tokens" in payload:
                mine = payload["tokens"]
                got |= {mine["accessToken"]} if mine else set()
        return got

    def _link(self, *, unlink_first: bool) -> Any:
        mine = {"provider": "facebook", "credential": {"accessToken": self.facebook}}
        payload = self._post(LINK, {"source": {"credential": mine}})
        if unlink_first and payload and payload.get("socialAccount"):
            self._post(UNLINK, {"id": payload["socialAccount"]["id"]})
        return payload

    def _post(self, operation: str, given: dict[str, Any]) -> Any:
        """The payload; None once it is over. Never a fault of ours."""
        headers = {"Authorization": f"Bearer {self.tokens['accessToken']}"} if operation in {LINK, UNLINK} else {}
        status, body = self.live.post(operation, headers=headers, input=given)
        assert {error["extensions"]["code"] for error in body.get("errors", [])} <= {"UNAUTHENTICATED"}
        assert status in {200, 401}
        return next(iter(body["data"].values())) if body.get("data") else None

    def opens(self, tokens: set[str]) -> list[str]:
        """Those that open an account."""
        return [token for token in tokens if self.live.post(ME, headers={"Authorization": f"Bearer {token}"})[0] == 200]

    def identity_opens(self) -> str | None:
        """Whose account the attacker's identity opens."""
        given = {"provider": "facebook", "credential": {"accessToken": self.facebook}}
        account = self.live.post(CONVERT, input=given)[1]["data"]["convertSocialToken"]["account"]
        return account and str(account["id"])

"""S58, S74: what happens to sessions is recorded, by GraphQL and by REST alike, with no secret in it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_grant_model

from accounts.conf import rate_limits
from accounts.guard import store
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, REFRESH, REVOKE, TOKEN_AUTH, codes
from tests.factories import make_client
from tests.providers.issuer import s256

Grant = get_grant_model()
ELSEWHERE = "198.51.100.7"


def recorded(**fields: Any) -> list[dict[str, Any]]:
    """The events that were recorded, oldest first."""
    events = SecurityEvent.objects.filter(**fields).order_by("created_at", "id")
    return list(events.values("type", "subject", "actor", "client", "cause", "count", "ip_address", "user_agent"))


@pytest.fixture(params=["GraphQL", "REST"])
def refresh(request, graphql, client):
    """Refresh in both ways: whether it succeeded."""

    def by_graphql(token: str, *, client_id="web", secret: str | None = None, **headers: str) -> bool:
        given = {"refreshToken": token, "clientId": client_id, "clientSecret": secret}
        return not codes(graphql(REFRESH, headers=headers, input=given).data["refreshToken"])

    def by_rest(token: str, *, client_id="web", secret: str | None = None, **headers: str) -> bool:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id}
        form |= {"client_secret": secret} if secret else {}
        return bool(client.post("/o/token/", form, headers=headers).status_code == 200)

    return by_graphql if request.param == "GraphQL" else by_rest


@pytest.fixture(params=["GraphQL", "REST"])
def revoke(request, graphql, client):
    """Revoke in both ways: whether it succeeded."""

    def by_graphql(token: str, *, client_id="web") -> bool:
        return not codes(graphql(REVOKE, input={"token": token, "clientId": client_id}).data["revokeToken"])

    def by_rest(token: str, *, client_id="web") -> bool:
        return bool(client.post("/o/revoke_token/", {"token": token, "client_id": client_id}).status_code == 200)

    return by_graphql if request.param == "GraphQL" else by_rest


def test_a_sign_in_is_recorded_with_its_session(graphql, account):
    """Who, with which client, from where."""
    headers = {"User-Agent": "Firefox"}
    graphql(TOKEN_AUTH, headers=headers, input={"email": account.email, "password": PASSWORD})

    [event] = recorded(type="account:login:success")
    assert event == {
        "type": "account:login:success",
        "subject": account.pk,
        "actor": account.pk,
        "client": "web",
        "cause": "",
        "count": 1,
        "ip_address": "127.0.0.1",
        "user_agent": "Firefox",
    }


def test_a_sign_in_that_is_rolled_back_leaves_no_event(default_client, account):
    """One transaction."""
    with transaction.atomic():
        bearer_tokens.issue(account=account, grant=bearer_tokens.authorize_client(), caller=Caller())
        transaction.set_rollback(True)

    assert recorded() == []
    assert not Session.objects.exists()


def test_a_trusted_clients_sign_in_is_recorded_with_its_end_user(graphql, account):
    """S64: the server's own address would say nothing."""
    client, secret = make_client(client_type="confidential", states_end_user=True)
    given = {"email": account.email, "password": PASSWORD, "clientId": client.client_id, "clientSecret": secret}
    headers = {"End-User-IP": ELSEWHERE, "End-User-Agent": "Safari"}

    graphql(TOKEN_AUTH, headers=headers, input=given)

    [event] = recorded(type="account:login:success")
    assert (event["ip_address"], event["user_agent"], event["client"]) == (ELSEWHERE, "Safari", client.client_id)


@pytest.fixture
def code(default_client, account) -> dict[str, str]:
    """The form that exchanges an authorization code."""
    Grant.objects.create(
        user=account,
        code="the-code",
        application=Client.objects.get(client_id="web"),
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri="http://localhost:5173/callback",
        scope="account",
        code_challenge=s256("a-verifier-of-forty-three-characters-or-more"),
        code_challenge_method="S256",
    )
    return {
        "grant_type": "authorization_code",
        "code": "the-code",
        "client_id": "web",
        "redirect_uri": "http://localhost:5173/callback",
        "code_verifier": "a-verifier-of-forty-three-characters-or-more",
    }


def test_the_exchange_of_a_code_is_a_sign_in(client, code, account):
    """RFC 6749 §4.1.3: also if it is refused."""
    assert client.post("/o/token/", code).status_code == 200
    assert client.post("/o/token/", code).status_code == 400

    assert [event["subject"] for event in recorded(type="account:login:success")] == [account.pk]
    failures = recorded(type="account:login:failure")
    assert [(event["subject"], event["cause"]) for event in failures] == [(None, "invalid_grant")]


def test_a_refresh_is_no_event(refresh, signed_in):
    """They come by the minute; `lastUsedAt` says when the last was."""
    SecurityEvent.objects.all().expire()

    assert refresh(signed_in.refresh_token)
    assert recorded() == []


def test_a_refused_refresh_is_recorded_with_its_cause(refresh, signed_in):
    """S74: an unknown token is nobody's; the account of another is named."""
    SecurityEvent.objects.all().expire()
    other, _secret = make_client()

    assert not refresh("unknown")
    assert not refresh(signed_in.refresh_token, client_id=other.client_id)

    found = {event["cause"]: (event["subject"], event["client"]) for event in recorded(type="session:refresh:failure")}
    assert found == {"unknown": (None, "web"), "wrong client": (signed_in.account.pk, other.client_id)}


def test_a_replay_is_recorded_with_the_end_of_its_session(refresh, graphql, signed_in):
    """S17: the event survives, and so does the end."""
    pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
    graphql(ME, token=pair["accessToken"])
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        assert not refresh(signed_in.refresh_token)

    for type_ in ("session:refresh:failure", "session:end"):
        [event] = recorded(type=type_)
        assert (event["subject"], event["cause"]) == (signed_in.account.pk, "replayed after use")
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda: Session.objects.update(expires_at=timezone.now()), "session expired"),
        (lambda: Session.objects.all().delete(), "revoked"),
        (lambda: Account._base_manager.update(is_active=False), "account disabled"),
    ],
)
def test_each_cause_is_recorded(refresh, signed_in, change, cause):
    """S74: as the log has them."""
    change()

    assert not refresh(signed_in.refresh_token)

    assert [event["cause"] for event in recorded(type="session:refresh:failure")] == [cause]


def test_a_wider_scope_is_a_refused_refresh(graphql, signed_in):
    """The OAuth error is the cause."""
    given = {"refreshToken": signed_in.refresh_token, "scope": "account admin"}
    assert codes(graphql(REFRESH, input=given).data["refreshToken"]) == ["INVALID_SCOPE"]

    [event] = recorded(type="session:refresh:failure")
    assert (event["subject"], event["cause"]) == (signed_in.account.pk, "invalid_scope")


def test_a_refused_client_names_no_account(refresh, sign_in, account):
    """Whoever cannot show which client they are leaves no trace with an account, nor words of their own."""
    confidential, secret = make_client(client_type="confidential")
    tokens = sign_in(account, clientId=confidential.client_id, clientSecret=secret)

    assert not refresh(tokens.refresh_token, client_id=confidential.client_id, secret="wrong")
    assert not refresh(tokens.refresh_token, client_id="somebody's words")

    events = recorded(type="session:refresh:failure")
    assert {event["subject"] for event in events} == {None}
    assert sum(event["count"] for event in events) == 2
    assert "somebody's words" not in str(events)


def test_a_flood_of_refused_refreshes_fills_no_table(refresh, signed_in):
    """One row a minute and cause."""
    SecurityEvent.objects.all().expire()
    with time_machine.travel(timezone.now().replace(second=1), tick=False):
        for _ in range(20):
            refresh("unknown")

    [event] = recorded()
    assert event["count"] == 20


def test_a_revocation_is_recorded(revoke, signed_in):
    """A sign-out, as `revokeSession` records it."""
    assert revoke(signed_in.refresh_token)

    [event] = recorded(type="session:end")
    assert (event["subject"], event["client"], event["cause"]) == (signed_in.account.pk, "web", "")


def test_revoking_again_is_no_event(revoke, signed_in):
    """Nothing ended."""
    assert revoke(signed_in.refresh_token)
    assert revoke(signed_in.refresh_token)
    assert revoke("unknown")

    assert len(recorded(type="session:end")) == 1


def test_a_refused_revocation_is_recorded_and_ends_nothing(revoke, signed_in):
    """RFC 7009 §2.1: another client's."""
    other, _secret = make_client()

    assert not revoke(signed_in.refresh_token, client_id=other.client_id)

    assert [event["subject"] for event in recorded(type="session:end:failure")] == [None]
    assert Session.objects.count() == 1


def test_no_event_holds_a_token(refresh, revoke, signed_in, graphql):
    """S58, S47."""
    pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
    refresh("no-such-token")
    revoke(pair["accessToken"])

    text = str(list(SecurityEvent.objects.values()))
    for secret in (signed_in.access_token, signed_in.refresh_token, *pair.values(), "no-such-token"):
        if len(str(secret)) > 10:
            assert str(secret) not in text


def test_staff_that_ends_a_session_is_the_actor(admin_browser, signed_in):
    """The holder sees that it was not themselves."""
    staff = Account.objects.create_superuser("root@example.com", PASSWORD, username="root", first_name="Root")
    admin_browser.post("/admin/login/?next=/admin/", {"username": staff.email, "password": PASSWORD})
    session = Session.objects.get()

    admin_browser.post(f"/admin/accounts/session/{session.pk}/delete/", {"post": "yes"})

    [event] = recorded(type="session:end")
    assert (event["subject"], event["actor"]) == (signed_in.account.pk, staff.pk)
    assert not Session.objects.exists()


# Limits


@pytest.fixture
def limited(settings):
    """Three refused refreshes are enough; addresses are those of clients."""
    store.MEMORY.clear()
    cache.clear()
    settings.TRUSTED_PROXIES = 1
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("refresh.address=3/15m"))


def test_refused_refreshes_are_limited_by_address(graphql, client, limited, refresh, default_client):
    """S56: those from elsewhere are not."""
    for _ in range(3):
        assert not refresh("unknown")

    payload = graphql(REFRESH, input={"refreshToken": "unknown"}).data["refreshToken"]
    [error] = payload["errors"]
    assert (error["code"], payload["tokens"]) == ("RATE_LIMITED", None)
    form = {"grant_type": "refresh_token", "refresh_token": "unknown", "client_id": "web"}
    answer = client.post("/o/token/", form)
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert (answer["Cache-Control"], answer["Content-Type"]) == ("no-store", "application/json")
    assert client.post("/o/token/", form, REMOTE_ADDR=ELSEWHERE).status_code == 400


@pytest.fixture
def exhausted(limited, default_client, client):
    """Somebody behind the same address has made tokens up."""
    form = {"grant_type": "refresh_token", "refresh_token": "made-up", "client_id": "web"}
    assert [client.post("/o/token/", form).status_code for _ in range(4)] == [400, 400, 400, 429]


def causes() -> set[str]:
    """Why refreshes were refused."""
    return set(SecurityEvent.objects.filter(type="session:refresh:failure").values_list("cause", flat=True))


def test_neighbours_that_make_tokens_up_sign_nobody_out(exhausted, refresh, signed_in):
    """S53: nobody can guess a live token. A repeated one is answered again, too."""
    assert refresh(signed_in.refresh_token)
    assert refresh(signed_in.refresh_token)
    assert not refresh("made-up")


def test_a_replay_ends_the_session_although_the_address_is_limited(exhausted, refresh, graphql, signed_in):
    """S17; after it, the token is one of the limited."""
    pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
    graphql(ME, token=pair["accessToken"])
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        assert not refresh(signed_in.refresh_token)
        assert not Session.objects.exists()
        [before] = recorded(type="session:refresh:failure", cause="replayed after use")
        assert not refresh(signed_in.refresh_token)

    assert recorded(type="session:refresh:failure", cause="replayed after use") == [before]
    assert recorded(type="session:refresh:failure", cause="revoked") == []


@pytest.mark.parametrize(
    "change",
    [
        lambda: Session.objects.update(expires_at=timezone.now()),
        lambda: Session.objects.update(last_used_at=timezone.now() - timedelta(days=15)),
        lambda: Session.objects.all().delete(),
        lambda: Account._base_manager.update(is_active=False),
    ],
)
def test_dead_tokens_are_limited(exhausted, refresh, signed_in, change):
    """They are refused for their number, before anything else is looked at."""
    change()

    assert not refresh(signed_in.refresh_token)

    assert causes() == {"unknown", "RATE_LIMITED"}


def test_a_live_token_of_another_client_is_limited(exhausted, refresh, signed_in):
    """Else its holder could try as often as they like."""
    other, _secret = make_client()

    assert not refresh(signed_in.refresh_token, client_id=other.client_id)

    assert causes() == {"unknown", "RATE_LIMITED"}
    assert Session.objects.count() == 1


@pytest.mark.parametrize("secret", ["wrong", None])
def test_a_live_token_does_not_open_the_guessing_of_secrets(exhausted, refresh, sign_in, account, secret):
    """S66: the token is good, its client is not shown."""
    confidential, right = make_client(client_type="confidential")
    tokens = sign_in(account, clientId=confidential.client_id, clientSecret=right)

    assert not refresh(tokens.refresh_token, client_id=confidential.client_id, secret=secret)

    assert causes() == {"unknown", "RATE_LIMITED"}
    assert refresh(tokens.refresh_token, client_id=confidential.client_id, secret=right)


def test_refused_exchanges_of_codes_are_limited_by_address(client, limited, code):
    """S56: those that are made up; one that exists cannot be guessed, and passes (S53)."""
    made_up = code | {"code": "made-up"}
    assert [client.post("/o/token/", made_up).status_code for _ in range(4)] == [400, 400, 400, 429]

    found = {event["cause"]: event["count"] for event in recorded(type="account:login:failure")}
    assert found == {"invalid_grant": 3, "RATE_LIMITED": 1}
    assert client.post("/o/token/", code).status_code == 200
    assert client.post("/o/token/", code).status_code == 429


def test_refreshes_that_succeed_are_not_limited(graphql, limited, refresh, signed_in):
    """S52: a repeated one, too."""
    for _ in range(6):
        assert refresh(signed_in.refresh_token)


def test_the_refusals_of_a_live_token_count(graphql, limited, signed_in):
    """S56: it takes no attempt beforehand; it passes (S53), and what is made up at its address does not."""
    given = {"refreshToken": signed_in.refresh_token}
    for _ in range(3):
        assert codes(graphql(REFRESH, input={**given, "scope": "admin"}).data["refreshToken"]) == ["INVALID_SCOPE"]

    assert codes(graphql(REFRESH, input={"refreshToken": "x"}).data["refreshToken"]) == ["RATE_LIMITED"]
    assert codes(graphql(REFRESH, input=given).data["refreshToken"]) == []


def test_being_limited_is_recorded_once_a_minute(graphql, limited, refresh):
    """Else each refusal of a flood would cost a write."""
    with time_machine.travel(timezone.now().replace(second=1), tick=False):
        for _ in range(10):
            refresh("unknown")

    counts = {event["cause"]: event["count"] for event in recorded(type="session:refresh:failure")}
    assert counts == {"unknown": 3, "RATE_LIMITED": 1}


def test_a_refused_client_counts(graphql, limited, refresh):
    """A stranger's attempts at a confidential client's secret."""
    confidential, _secret = make_client(client_type="confidential")
    for _ in range(3):
        assert not refresh("unknown", client_id=confidential.client_id, secret="wrong")

    given = {"refreshToken": "x", "clientId": confidential.client_id, "clientSecret": "wrong"}
    assert codes(graphql(REFRESH, input=given).data["refreshToken"]) == ["RATE_LIMITED"]


def test_a_trusted_clients_end_users_are_limited_one_by_one(limited, refresh):
    """S64: the address of its server is that of all of them."""
    confidential, secret = make_client(client_type="confidential", states_end_user=True)
    known = {"client_id": confidential.client_id, "secret": secret}
    for _ in range(3):
        assert not refresh("unknown", **known, **{"End-User-IP": ELSEWHERE})

    refresh("unknown", **known, **{"End-User-IP": ELSEWHERE})
    refresh("unknown", **known, **{"End-User-IP": "198.51.100.8"})

    found = {(event["ip_address"], event["cause"]): event["count"] for event in recorded()}
    assert found == {
        (ELSEWHERE, "unknown"): 4,
        (ELSEWHERE, "RATE_LIMITED"): 1,
    }


def test_without_a_cookie_there_is_no_attempt(graphql, limited, signed_in):
    """Each page that is opened signed out asks so."""
    for _ in range(5):
        assert codes(graphql(REFRESH).data["refreshToken"]) == ["INVALID_GRANT"]

    assert graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["errors"] == []
    assert recorded(type="session:refresh:failure") == []


def test_expired_bearers_never_count(graphql, limited, signed_in, refresh):
    """S54: a client that comes back after a weekend is no attacker."""
    SecurityEvent.objects.all().expire()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        for _ in range(50):
            assert graphql(ME, token=signed_in.access_token).status == 401

        assert recorded() == []
        assert refresh(signed_in.refresh_token)
        given = {"email": signed_in.account.email, "password": PASSWORD}
        assert graphql(TOKEN_AUTH, input=given).data["tokenAuth"]["errors"] == []

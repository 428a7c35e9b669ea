"""The refresh token's life: rotation, grace, replay, the lost answer, the ends of a session."""

import base64
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request

from accounts.people.models import Account
from accounts.tokens import rows
from accounts.tokens.api import AccessToken, RefreshToken
from accounts.tokens.bearer import mark_used
from accounts.tokens.exchange import Exchange
from accounts.tokens.families import checksum
from accounts.tokens.models import Session
from accounts.tokens.rotation import Replay, judge_replay
from tests.api import ME, REFRESH, REVOKE, GraphQL, SignedIn, SignIn, codes
from tests.factories import make_account, make_client


def refresh(graphql: GraphQL, token: str, **more: str):
    """The payload of a refresh."""
    return graphql(REFRESH, input={"refreshToken": token, **more}).data["refreshToken"]


def is_dead(graphql: GraphQL, token: str) -> bool:
    """Whether the token is refused, and nothing is left of its session."""
    return codes(refresh(graphql, token)) == ["INVALID_GRANT"] and not Session.objects.exists()


def use(graphql: GraphQL, access_token: str) -> int:
    """The status of a call with the token."""
    return graphql(ME, token=access_token).status


@pytest.fixture
def after():
    """Let time pass: `after(seconds=…)`."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        yield lambda **duration: clock.shift(timedelta(**duration))


def test_a_refresh_gives_a_new_pair_and_ends_the_old_access_token(graphql, signed_in: SignedIn):
    """RFC 6749 §6."""
    payload = refresh(graphql, signed_in.refresh_token)

    assert payload["account"]["email"] == signed_in.account.email
    assert payload["tokens"]["refreshToken"] != signed_in.refresh_token
    assert use(graphql, payload["tokens"]["accessToken"]) == 200
    assert use(graphql, signed_in.access_token) == 401


def test_repeating_a_refresh_within_the_grace_gives_the_same_pair(graphql, signed_in, after):
    """S18: a client that lost the answer, or asked twice, is answered alike, and nothing more is stored."""
    first = refresh(graphql, signed_in.refresh_token)["tokens"]
    use(graphql, first["accessToken"])
    after(seconds=9)
    stored = RefreshToken.objects.count(), AccessToken.objects.count()

    again = refresh(graphql, signed_in.refresh_token)["tokens"]

    assert (again["accessToken"], again["refreshToken"]) == (first["accessToken"], first["refreshToken"])
    assert again["expiresIn"] <= first["expiresIn"] - 9
    assert (RefreshToken.objects.count(), AccessToken.objects.count()) == stored


def test_a_replay_after_use_and_grace_ends_the_family(graphql, signed_in, after):
    """S17, RFC 9700 §4.14.2."""
    second = refresh(graphql, signed_in.refresh_token)["tokens"]
    use(graphql, second["accessToken"])
    after(seconds=11)

    assert codes(refresh(graphql, signed_in.refresh_token)) == ["INVALID_GRANT"]

    assert use(graphql, second["accessToken"]) == 401
    assert is_dead(graphql, second["refreshToken"])


def test_a_grandparent_ends_the_family_even_within_the_grace(graphql, signed_in):
    """S19: the grace covers the immediately preceding token only."""
    second = refresh(graphql, signed_in.refresh_token)["tokens"]
    third = refresh(graphql, second["refreshToken"])["tokens"]

    assert codes(refresh(graphql, signed_in.refresh_token)) == ["INVALID_GRANT"]

    assert use(graphql, third["accessToken"]) == 401
    assert is_dead(graphql, third["refreshToken"])


@pytest.mark.parametrize("gap", [timedelta(seconds=60), timedelta(hours=3), timedelta(days=13)])
def test_a_lost_answer_is_given_again_however_late(graphql, signed_in, after, gap):
    """S68: nothing of the successor pair was used, so it never arrived; the access token given now is live."""
    lost = refresh(graphql, signed_in.refresh_token)["tokens"]
    after(seconds=gap.total_seconds())

    found = refresh(graphql, signed_in.refresh_token)["tokens"]

    assert found["refreshToken"] == lost["refreshToken"]
    assert found["expiresIn"] > 0
    assert use(graphql, found["accessToken"]) == 200
    assert refresh(graphql, found["refreshToken"])["errors"] == []


def test_a_lost_answer_is_not_given_after_the_idle_lifetime(graphql, signed_in, after):
    """S68: however late within the idle lifetime, and not later."""
    refresh(graphql, signed_in.refresh_token)
    after(days=15)

    assert is_dead(graphql, signed_in.refresh_token)


def test_using_the_successors_refresh_token_ends_the_second_chance(graphql, signed_in, after):
    """S68: two holders cannot leapfrog."""
    thief = refresh(graphql, signed_in.refresh_token)["tokens"]
    refresh(graphql, thief["refreshToken"])
    after(seconds=11)

    assert is_dead(graphql, signed_in.refresh_token)
    assert is_dead(graphql, thief["refreshToken"])


@pytest.mark.parametrize("known", [None, 1])
def test_a_pair_that_is_not_known_to_be_unused_counts_as_used(graphql, signed_in, after, known):
    """S68: pairs of releases that did not record it, before the migration or beside this one, fail closed."""
    refresh(graphql, signed_in.refresh_token)
    Session.objects.update(unused_token_id=known)
    after(seconds=11)

    assert is_dead(graphql, signed_in.refresh_token)


def test_a_use_that_is_recorded_after_the_next_refresh_leaves_its_pair_unused(graphql, signed_in, after, monkeypatch):
    """S68: the look-up of a token, a refresh that replaces it, and then the record of its use."""
    second = refresh(graphql, signed_in.refresh_token)["tokens"]
    third: dict[str, str] = {}

    def refresh_first(*found: Any) -> None:
        third.update(refresh(graphql, second["refreshToken"])["tokens"])
        mark_used(*found)

    monkeypatch.setattr("accounts.tokens.bearer.mark_used", refresh_first)
    use(graphql, second["accessToken"])
    after(seconds=11)

    assert refresh(graphql, second["refreshToken"])["tokens"]["refreshToken"] == third["refreshToken"]


@pytest.mark.parametrize(
    ("successor", "unused", "replay"),
    [
        (None, 2, Replay.GRANDPARENT),
        (2, 2, Replay.ANSWER_LOST),
        (2, None, Replay.AFTER_USE),
        (2, 1, Replay.AFTER_USE),
    ],
)
def test_a_replay_is_judged_by_its_successor_and_the_first_use(successor, unused, replay):
    """S68: a decision without a side effect."""
    now = timezone.now()
    token = successor and AccessToken(pk=successor, expires=now)

    assert judge_replay(token, Session(unused_token_id=unused), now) is replay


def test_a_pair_whose_refresh_token_was_deleted_is_not_given_again(graphql, signed_in, after):
    """S17: an operator deleted it by hand."""
    second = refresh(graphql, signed_in.refresh_token)["tokens"]
    RefreshToken.objects.filter(token_checksum=checksum(second["refreshToken"])).delete()
    after(seconds=11)

    assert codes(refresh(graphql, signed_in.refresh_token)) == ["INVALID_GRANT"]
    assert not Session.objects.exists()


def test_nothing_comes_back_after_signing_out(graphql, signed_in):
    """S19, RFC 7009 §2.1: neither the token nor its predecessor in the grace."""
    second = refresh(graphql, signed_in.refresh_token)["tokens"]

    assert graphql(REVOKE, input={"token": second["refreshToken"]}).data["revokeToken"]["errors"] == []

    assert use(graphql, second["accessToken"]) == 401
    assert is_dead(graphql, second["refreshToken"])
    assert is_dead(graphql, signed_in.refresh_token)


def test_an_idle_refresh_token_expires(graphql, signed_in, after):
    """S16."""
    after(days=14, minutes=16)

    assert codes(refresh(graphql, signed_in.refresh_token)) == ["INVALID_GRANT"]


def test_a_session_ends_however_often_it_is_refreshed(graphql, signed_in, after):
    """S16: the absolute lifetime."""
    token = signed_in.refresh_token
    for _ in range(9):
        after(days=9)
        token = refresh(graphql, token)["tokens"]["refreshToken"]
    after(days=8)
    last = refresh(graphql, token)["tokens"]
    assert last["refreshTokenExpiresIn"] <= 24 * 3600
    after(days=1)

    assert codes(refresh(graphql, last["refreshToken"])) == ["INVALID_GRANT"]


def test_a_disabled_account_cannot_refresh(graphql, signed_in):
    """S13: not even where SQL has disabled it, and no session ended by that."""
    Account._base_manager.update(is_active=False)

    assert codes(refresh(graphql, signed_in.refresh_token)) == ["INVALID_GRANT"]


def test_a_refresh_token_is_bound_to_its_client(graphql, signed_in):
    """S20: and trying with another client does not harm the session."""
    other, _ = make_client()

    assert codes(refresh(graphql, signed_in.refresh_token, clientId=other.client_id)) == ["INVALID_GRANT"]

    assert refresh(graphql, signed_in.refresh_token)["errors"] == []


def test_a_public_client_is_known_by_its_token(graphql, sign_in: SignIn, account):
    """No `clientId` is needed at refresh and revocation."""
    other, _ = make_client()
    ios = sign_in(account, clientId=other.client_id)

    tokens = refresh(graphql, ios.refresh_token)["tokens"]
    assert graphql(REVOKE, input={"token": tokens["refreshToken"]}).data["revokeToken"]["errors"] == []

    assert not Session.objects.exists()


def test_access_and_refresh_tokens_are_not_interchangeable(graphql, signed_in):
    """S20."""
    assert codes(refresh(graphql, signed_in.access_token)) == ["INVALID_GRANT"]
    assert use(graphql, signed_in.refresh_token) == 401
    assert use(graphql, signed_in.access_token) == 200


def test_a_scope_cannot_be_widened(graphql, signed_in):
    """S20: nothing is rotated."""
    assert codes(refresh(graphql, signed_in.refresh_token, scope="account admin")) == ["INVALID_SCOPE"]

    assert use(graphql, signed_in.access_token) == 200


def test_a_scope_that_is_asked_for_twice_is_granted_once(graphql, signed_in):
    """S80: else whoever refreshes could make each look-up of their token read as much as a request can hold."""
    tokens = refresh(graphql, signed_in.refresh_token, scope="account " * 2000)["tokens"]

    assert tokens["scope"] == "account"
    assert set(AccessToken.objects.values_list("scope", flat=True)) == {"account"}


@pytest.mark.parametrize("scope", ["account", "account admin"])
def test_a_dead_token_is_refused_as_dead_whatever_the_scope(graphql, signed_in, after, scope):
    """INVALID_SCOPE would not tell the client to sign in again."""
    after(days=14, minutes=16)
    assert codes(refresh(graphql, signed_in.refresh_token, scope=scope)) == ["INVALID_GRANT"]
    AccessToken.objects.all().delete()

    assert codes(refresh(graphql, signed_in.refresh_token, scope=scope)) == ["INVALID_GRANT"]


def test_a_replay_that_waited_for_the_lock_is_one_whatever_the_scope(graphql, signed_in, monkeypatch):
    """S17: it was live when it was read, and two others traded it and its successor before it got the lock."""
    lock, waited = rows.locked_session, []

    def wait(family):
        if not waited:
            waited.append(True)
            second = refresh(graphql, signed_in.refresh_token)["tokens"]
            refresh(graphql, second["refreshToken"])
        return lock(family)

    monkeypatch.setattr(rows, "locked_session", wait)

    assert codes(refresh(graphql, signed_in.refresh_token, scope="account admin")) == ["INVALID_GRANT"]
    assert not Session.objects.exists()


def test_an_unknown_token_touches_nobody(graphql, signed_in):
    """INVALID_GRANT, and the sessions of others go on."""
    assert codes(refresh(graphql, "no-such-token")) == ["INVALID_GRANT"]

    assert refresh(graphql, signed_in.refresh_token)["errors"] == []


def test_each_refusal_has_its_cause_in_the_log(graphql, signed_in, caplog):
    """S74: for operators; the token itself is not in it (S47)."""
    with caplog.at_level("INFO", "accounts.tokens.rotation"):
        refresh(graphql, "no-such-token")
        second = refresh(graphql, signed_in.refresh_token)["tokens"]
        refresh(graphql, second["refreshToken"])
        refresh(graphql, signed_in.refresh_token)
        refresh(graphql, second["refreshToken"])

    lines = [record.getMessage() for record in caplog.records]
    causes = [line.split(": ")[1].split(" (")[0] for line in lines if line.startswith("refresh refused: ")]
    assert causes == ["unknown", "replayed, grandparent", "revoked"]
    assert signed_in.refresh_token not in caplog.text


def test_a_session_remembers_when_and_from_where_it_was_refreshed(graphql, signed_in, after):
    """The address and the agent are those of the last refresh."""
    began = Session.objects.get()
    after(hours=1)

    graphql(REFRESH, headers={"User-Agent": "Phone/2"}, input={"refreshToken": signed_in.refresh_token})

    session = Session.objects.get()
    assert session.pk == began.pk
    assert session.expires_at == began.expires_at
    assert session.last_used_at >= began.last_used_at + timedelta(hours=1)
    assert (session.ip_address, session.user_agent) == ("127.0.0.1", "Phone/2")


def test_a_token_refreshed_by_graphql_and_then_by_rest_gives_the_same_pair(graphql, client, signed_in):
    """One server object behind both."""
    by_graphql = refresh(graphql, signed_in.refresh_token)["tokens"]

    by_rest = client.post(
        "/o/token/",
        {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token, "client_id": "web"},
    ).json()

    assert (by_rest["access_token"], by_rest["refresh_token"]) == (
        by_graphql["accessToken"],
        by_graphql["refreshToken"],
    )


def test_revoking_by_rest_ends_the_whole_session(graphql, client, signed_in):
    """RFC 7009, by the OAuth endpoint."""
    response = client.post("/o/revoke_token/", {"token": signed_in.access_token, "client_id": "web"})

    assert response.status_code == 200
    assert is_dead(graphql, signed_in.refresh_token)


def test_no_usable_token_is_stored(graphql, signed_in):
    """S15: every column holds hashes only."""
    rows = [
        *AccessToken.objects.values_list(),
        *RefreshToken.objects.values_list(),
        *Session.objects.values_list(),
    ]

    for token in (signed_in.access_token, signed_in.refresh_token):
        assert token not in str(rows)
        assert checksum(token) in str(rows)


def test_clearing_deletes_what_is_over_and_keeps_what_lives(graphql, sign_in: SignIn, signed_in, after):
    """`manage.py clear_expired`."""
    from django.core.management import call_command

    after(days=15)
    live = sign_in(make_account())

    call_command("clear_expired", verbosity=0)

    assert [session.account for session in Session.objects.all()] == [live.account]
    assert refresh(graphql, live.refresh_token)["errors"] == []


def test_tokens_have_256_random_bits(graphql, sign_in: SignIn):
    """S14: first ones are random, successors an HMAC; none looks like another."""
    first = [sign_in(make_account()) for _ in range(5)]
    tokens = {token for pair in first for token in (pair.access_token, pair.refresh_token)}
    for pair in first:
        successors = refresh(graphql, pair.refresh_token)["tokens"]
        tokens |= {successors["accessToken"], successors["refreshToken"]}

    assert len(tokens) == 20
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in tokens} == {32}


def test_a_repeat_after_a_change_of_the_key_is_refused(graphql, signed_in, settings):
    """The pair cannot be computed again: no answer is better than tokens that open nothing."""
    pair = refresh(graphql, signed_in.refresh_token)["tokens"]
    settings.SECRET_KEY = settings.SECRET_KEY[::-1]

    assert codes(refresh(graphql, signed_in.refresh_token)) == ["INVALID_GRANT"]

    assert use(graphql, pair["accessToken"]) == 200
    assert refresh(graphql, pair["refreshToken"])["errors"] == []


def rows_of(account: Account) -> list[dict[str, Any]]:
    """Its tokens, oldest first, without what differs from one to the next; references by their position."""
    tokens: list[dict[str, Any]] = []
    places: dict[tuple[str, int], int] = {}
    for model in (AccessToken, RefreshToken):
        for place, row in enumerate(model.objects.filter(user=account).order_by("pk").values()):
            places[model.__name__, row["id"]] = place
            tokens.append({"model": model.__name__, **row})
    for row in tokens:
        row["access_token_id"] = places.get(("AccessToken", row.get("access_token_id")))
        row["source_refresh_token_id"] = places.get(("RefreshToken", row.get("source_refresh_token_id")))
        row["revoked"] = row.get("revoked") is not None
        for unique in ("id", "user_id", "token_checksum", "token_family", "created", "updated", "expires"):
            row.pop(unique, None)
    return tokens


def test_the_rows_are_those_that_dot_would_write(graphql, sign_in: SignIn):
    """Whatever else reads DOT's tables finds in them what it expects."""
    ours, theirs = make_account(), make_account()
    refresh(graphql, sign_in(ours).refresh_token)
    predecessor = RefreshToken.objects.get(token_checksum=checksum(sign_in(theirs).refresh_token))
    request = Request("https://internal.invalid/", "POST", {"grant_type": "refresh_token"}, {})
    request.client, request.user = predecessor.application, predecessor.user
    request.refresh_token_instance, request.exchange = predecessor, Exchange(client=predecessor.application)
    pair = {"access_token": "a", "refresh_token": "r", "scope": "account", "expires_in": 900}

    with transaction.atomic():
        OAuth2Validator()._save_bearer_token(pair, request)

    assert rows_of(ours) == rows_of(theirs)
    assert len(rows_of(ours)) == 3

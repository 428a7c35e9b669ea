"""S21, S89: where an account is signed in, and how its holder ends it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from oauth2_provider.models import get_grant_model

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import Client, Session
from tests.api import ME, PASSWORD, REFRESH, TOKEN_AUTH, codes, refusals
from tests.browser import Browser
from tests.factories import make_account, make_client
from tests.live import serving
from tests.providers.issuer import s256
from tests.providers.stored import nothing_changes

FIELDS = """
id clientName createdAt authenticatedAt authenticationMethods lastUsedAt expiresAt ipAddress userAgent device isCurrent
reauthenticatedUntil
"""
SESSIONS = f"{{ me {{ id sessions {{ nodes {{ {FIELDS} }} }} }} }}"
PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  me { sessions(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage endCursor }
  } }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Session { device isCurrent } } }"
END = """
mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { deletedSessionId errors { code field } } }
"""
END_OTHERS = "mutation { revokeOtherSessions { revokedCount errors { code } } }"
END_ALL = "mutation { revokeAllSessions { revokedCount errors { code } } }"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0"
    " Mobile/15E148 Safari/604.1"
)


def listed(graphql, token: str) -> list[dict[str, Any]]:
    """The sessions of the token's account."""
    nodes: list[dict[str, Any]] = graphql(SESSIONS, token=token).data["me"]["sessions"]["nodes"]
    return nodes


def make_stale() -> None:
    """All proofs are long ago."""
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=30))


def ends(type_: EventType) -> list[SecurityEvent]:
    """The events of this type."""
    return list(SecurityEvent.objects.filter(type=type_))


@pytest.fixture
def two(sign_in, account):
    """The same account, signed in twice."""
    return sign_in(account), sign_in(account)


# The list


def test_nothing_is_current_in_an_answer_to_nobody(graphql, sign_in, account):
    """A sign-in ignores the Bearer token; another session, refreshed before, is not the one of this request."""
    other = sign_in(account)
    graphql(REFRESH, input={"refreshToken": other.refresh_token})
    query = TOKEN_AUTH.replace("account {", "account { sessions { nodes { isCurrent } }")
    assert query != TOKEN_AUTH

    answer = graphql(query, token=other.access_token, input={"email": account.email, "password": PASSWORD})

    nodes = answer.data["tokenAuth"]["account"]["sessions"]["nodes"]
    assert [node["isCurrent"] for node in nodes] == [False, False]


def test_a_session_says_what_its_holder_needs_to_know_it(graphql, account):
    """Client, times, how it was proved, where from and with what."""
    headers = {"User-Agent": IPHONE}
    answer = graphql(TOKEN_AUTH, headers=headers, input={"email": account.email, "password": PASSWORD})
    token = answer.data["tokenAuth"]["tokens"]["accessToken"]

    [session] = listed(graphql, token)

    stored = Session.objects.get()
    assert session.pop("id")
    assert session == {
        "clientName": "Web",
        "createdAt": f"{stored.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "authenticatedAt": f"{stored.authenticated_at:%Y-%m-%dT%H:%M:%SZ}",
        "authenticationMethods": ["PASSWORD"],
        "lastUsedAt": f"{stored.last_used_at:%Y-%m-%dT%H:%M:%SZ}",
        "expiresAt": f"{stored.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "ipAddress": "127.0.0.1",
        "userAgent": IPHONE,
        "device": "Safari on iPhone",
        "isCurrent": True,
        "reauthenticatedUntil": f"{stored.authenticated_at + timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}",
    }


def test_a_session_that_was_begun_without_a_proof_was_never_reauthenticated(graphql, signed_in):
    """By code of one's own."""
    Session.objects.update(authentication_methods=[])

    [session] = listed(graphql, signed_in.access_token)

    assert session["authenticationMethods"] == []
    assert session["reauthenticatedUntil"] is None


def test_the_most_recently_used_session_comes_first(graphql, two):
    """Each knows whether it is the one that asks."""
    first, second = two
    graphql(REFRESH, input={"refreshToken": first.refresh_token})

    nodes = listed(graphql, second.access_token)

    assert [node["isCurrent"] for node in nodes] == [False, True]


def test_a_refreshed_session_is_still_the_current_one(graphql, signed_in):
    """Its tokens are others, the session is the same."""
    [before] = listed(graphql, signed_in.access_token)
    pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]

    [after] = listed(graphql, pair["accessToken"])

    assert (after["id"], after["isCurrent"]) == (before["id"], True)


@pytest.mark.parametrize("change", ["expired", "idle"])
def test_a_session_that_has_ended_by_itself_is_not_listed(graphql, two, change, settings):
    """Nothing can be done with it any more."""
    old = Session.objects.order_by("created_at")[:1].get()
    idle = timedelta(seconds=settings.LATCHKEY.refresh_token_idle_lifetime + settings.LATCHKEY.access_token_lifetime)
    changes = {"expired": {"expires_at": timezone.now()}, "idle": {"last_used_at": timezone.now() - idle}}
    Session.objects.filter(pk=old.pk).update(**changes[change])

    [session] = listed(graphql, two[1].access_token)

    assert session["isCurrent"]


def test_nobody_elses_session_is_listed(graphql, signed_in, sign_in):
    """S65."""
    stranger = sign_in(make_account())

    [own] = listed(graphql, signed_in.access_token)
    [theirs] = listed(graphql, stranger.access_token)

    assert own["id"] != theirs["id"]
    assert graphql(NODE, token=stranger.access_token, id=own["id"]).data["node"] is None
    assert graphql(NODE, token=signed_in.access_token, id=own["id"]).data["node"]["isCurrent"]
    assert graphql(NODE, id=own["id"]).data["node"] is None


def test_an_ended_session_is_no_node(graphql, two):
    """Its id leads nowhere."""
    [other] = [node["id"] for node in listed(graphql, two[1].access_token) if not node["isCurrent"]]
    graphql(END, token=two[1].access_token, input={"id": other})

    assert graphql(NODE, token=two[1].access_token, id=other).data["node"] is None


def test_the_list_comes_in_pages(graphql, sign_in, account):
    """By keyset: a session that begins meanwhile shifts none."""
    tokens = [sign_in(account) for _ in range(5)]
    token = tokens[-1].access_token
    whole = [node["id"] for node in listed(graphql, token)]

    first = graphql(PAGE, token=token, first=2).data["me"]["sessions"]
    sign_in(account)
    second = graphql(PAGE, token=token, first=2, after=first["pageInfo"]["endCursor"]).data["me"]["sessions"]
    last = graphql(PAGE, token=token, last=1).data["me"]["sessions"]

    assert [edge["node"]["id"] for edge in first["edges"] + second["edges"]] == whole[:4]
    assert second["pageInfo"]["hasNextPage"] and second["pageInfo"]["hasPreviousPage"]
    assert [edge["node"]["id"] for edge in last["edges"]] == whole[-1:]


@pytest.mark.parametrize("page", [{"first": 101}, {"first": -1}, {"first": 1, "last": 1}, {"after": "x"}])
def test_a_bad_page_is_bad_user_input(graphql, signed_in, page):
    """As in `users`."""
    answer = graphql(PAGE, token=signed_in.access_token, **page)

    assert answer.codes == ["BAD_USER_INPUT"]


def test_the_payload_of_a_sign_in_can_list_the_sessions_whatever_the_header(graphql, account):
    """@anonymous: the header is ignored, also by the fields below; none of them asks."""
    query = """
    mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { account { sessions { nodes { isCurrent } } } } }
    """

    answer = graphql(query, token="stale", input={"email": account.email, "password": PASSWORD})

    assert answer.data["tokenAuth"]["account"]["sessions"]["nodes"] == [{"isCurrent": False}]


# Ending


def test_a_session_is_ended_at_once(graphql, two):
    """S21: both of its tokens; the event names it to the holder."""
    first, second = two
    [other] = [node["id"] for node in listed(graphql, second.access_token) if not node["isCurrent"]]

    payload = graphql(END, token=second.access_token, input={"id": other}).data["revokeSession"]

    assert payload == {"deletedSessionId": other, "errors": []}
    assert graphql(ME, token=first.access_token).status == 401
    assert codes(graphql(REFRESH, input={"refreshToken": first.refresh_token}).data["refreshToken"]) == [
        "INVALID_GRANT"
    ]
    assert graphql(ME, token=second.access_token).status == 200
    [event] = ends(EventType.SESSION_ENDED)
    assert (event.subject, event.actor, event.client) == (second.account.pk, second.account.pk, "web")


def test_the_current_session_can_be_ended(graphql, signed_in):
    """A sign-out."""
    [session] = listed(graphql, signed_in.access_token)

    assert graphql(END, token=signed_in.access_token, input={"id": session["id"]}).data["revokeSession"]["errors"] == []
    assert graphql(ME, token=signed_in.access_token).status == 401


@pytest.mark.parametrize("id_", ["", "x", "U2Vzc2lvbjp4", "another type", "another's", "ended"])
def test_what_is_no_session_of_ones_own_is_not_found(graphql, two, sign_in, id_):
    """S65: all of these alike, and nothing happens."""
    _first, second = two
    ids = [node["id"] for node in listed(graphql, second.access_token) if not node["isCurrent"]]
    stranger = sign_in(make_account())
    if id_ == "another type":
        id_ = graphql(ME, token=second.access_token).data["me"]["id"]
    elif id_ == "another's":
        id_ = listed(graphql, stranger.access_token)[0]["id"]
    elif id_ == "ended":
        id_ = ids[0]
        graphql(END, token=second.access_token, input={"id": id_})

    with nothing_changes():
        payload = graphql(END, token=second.access_token, input={"id": id_}).data["revokeSession"]

    assert refusals(payload) == [("NOT_FOUND", ["id"])]
    assert payload["deletedSessionId"] is None
    assert graphql(ME, token=stranger.access_token).status == 200


def test_all_other_sessions_are_ended(graphql, two, sign_in):
    """The one that asks goes on, and can still be refreshed; other accounts are not touched."""
    first, second = two
    stranger = sign_in(make_account())

    payload = graphql(END_OTHERS, token=second.access_token).data["revokeOtherSessions"]

    assert payload == {"revokedCount": 1, "errors": []}
    assert graphql(ME, token=first.access_token).status == 401
    assert graphql(ME, token=second.access_token).status == 200
    assert graphql(REFRESH, input={"refreshToken": second.refresh_token}).data["refreshToken"]["errors"] == []
    assert graphql(ME, token=stranger.access_token).status == 200
    [event] = ends(EventType.OTHER_SESSIONS_ENDED)
    assert (event.subject, event.actor) == (second.account.pk, second.account.pk)
    assert ends(EventType.SESSION_ENDED) == []


def test_where_there_is_no_other_session_nothing_is_recorded(graphql, sign_in):
    """Else a loop of such calls fills the table."""
    signed_in = sign_in(make_account())

    payload = graphql(END_OTHERS, token=signed_in.access_token).data["revokeOtherSessions"]

    assert payload == {"revokedCount": 0, "errors": []}
    assert ends(EventType.OTHER_SESSIONS_ENDED) == []


def test_all_sessions_are_ended(graphql, two, sign_in):
    """The one that asks, too; other accounts are not touched."""
    first, second = two
    stranger = sign_in(make_account())

    payload = graphql(END_ALL, token=second.access_token).data["revokeAllSessions"]

    assert payload == {"revokedCount": 2, "errors": []}
    for tokens in two:
        assert graphql(ME, token=tokens.access_token).status == 401
        assert codes(graphql(REFRESH, input={"refreshToken": tokens.refresh_token}).data["refreshToken"]) == [
            "INVALID_GRANT"
        ]
    assert graphql(ME, token=stranger.access_token).status == 200
    assert [event.subject for event in ends(EventType.ALL_SESSIONS_ENDED)] == [first.account.pk]


def test_only_live_sessions_are_counted(graphql, two):
    """What had ended by itself was not ended now; its row goes all the same."""
    Session.objects.filter(pk=Session.objects.order_by("created_at")[:1].get().pk).update(expires_at=timezone.now())

    assert graphql(END_OTHERS, token=two[1].access_token).data["revokeOtherSessions"]["revokedCount"] == 0
    assert Session.objects.count() == 1


@pytest.mark.parametrize("query", [END, END_OTHERS, END_ALL])
def test_ending_sessions_needs_no_recent_proof(graphql, two, query):
    """S89: a victim has to be quick."""
    [other] = [node["id"] for node in listed(graphql, two[1].access_token) if not node["isCurrent"]]
    make_stale()

    variables = {"input": {"id": other}} if query == END else {}
    [payload] = graphql(query, token=two[1].access_token, **variables).data.values()

    assert payload["errors"] == []
    assert graphql(ME, token=two[0].access_token).status == 401


@pytest.mark.parametrize("query", [END, END_OTHERS, END_ALL])
def test_ending_sessions_needs_a_bearer(graphql, signed_in, query):
    """And nothing happens without."""
    variables = {"input": {"id": "x"}} if query == END else {}

    with nothing_changes():
        assert graphql(query, **variables).codes == ["UNAUTHENTICATED"]
        assert graphql(query, token="unknown", **variables).codes == ["UNAUTHENTICATED"]


def test_a_sign_in_that_was_verified_before_all_sessions_ended_begins_none(default_client, account):
    """S82: it read the account in an earlier epoch."""
    read_before = Account.objects.get(pk=account.pk)
    account.end_sessions()

    with pytest.raises(InvalidGrant):
        bearer_tokens.issue(account=read_before, grant=bearer_tokens.authorize_client(), caller=Caller())
    assert not Session.objects.exists()


# The most sessions of an account


@pytest.fixture
def at_most_three(settings):
    """SESSIONS_PER_ACCOUNT."""
    settings.LATCHKEY = replace(settings.LATCHKEY, sessions_per_account=3)


def test_one_more_session_ends_the_least_recently_used(graphql, sign_in, account, at_most_three):
    """Not the oldest, if that is in use; the event says why."""
    oldest, idle, third = (sign_in(account) for _ in range(3))
    refreshed = graphql(REFRESH, input={"refreshToken": oldest.refresh_token}).data["refreshToken"]["tokens"]

    fourth = sign_in(account)

    assert Session.objects.count() == 3
    assert graphql(ME, token=idle.access_token).status == 401
    for token in (refreshed["accessToken"], third.access_token, fourth.access_token):
        assert graphql(ME, token=token).status == 200
    [event] = ends(EventType.SESSION_ENDED)
    assert (event.subject, event.cause) == (account.pk, "too many sessions")


VERIFIER = "a-verifier-of-forty-three-characters-or-more"


def code_for(account: Account, code: str) -> dict[str, str]:
    """The form that exchanges this authorization code of the account."""
    get_grant_model().objects.create(
        user=account,
        code=code,
        application=Client.objects.get(client_id="web"),
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri="http://localhost:5173/callback",
        scope="account",
        code_challenge=s256(VERIFIER),
        code_challenge_method="S256",
    )
    return {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "web",
        "redirect_uri": "http://localhost:5173/callback",
        "code_verifier": VERIFIER,
    }


def test_the_exchange_of_a_code_is_one_more_session(client, graphql, sign_in, account, at_most_three):
    """RFC 6749 §4.1.3."""
    first, second, third = (sign_in(account) for _ in range(3))

    token = client.post("/o/token/", code_for(account, "a-code")).json()["access_token"]

    assert Session.objects.count() == 3
    assert graphql(ME, token=first.access_token).status == 401
    for alive in (second.access_token, third.access_token, token):
        assert graphql(ME, token=alive).status == 200
    [event] = ends(EventType.SESSION_ENDED)
    assert (event.subject, event.cause) == (account.pk, "too many sessions")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_exchanges_and_sign_ins_and_ends_never_wait_for_each_other(account, default_client, at_most_three):
    """All of them lock the account first: no deadlock, and no session too many."""
    barrier = threading.Barrier(4)

    def exchange(name: str) -> list[int]:
        barrier.wait()
        try:
            codes = [f"{name}-{number}" for number in range(12)]
            return [Browser().post("/o/token/", code_for(account, code)).status_code for code in codes]
        finally:
            connection.close()

    def begin_and_end() -> list[int]:
        barrier.wait()
        try:
            for number in range(20):
                fresh = Account.objects.get()
                with suppress(InvalidGrant):
                    bearer_tokens.issue(account=fresh, grant=bearer_tokens.authorize_client(), caller=Caller())
                if number in {5, 10}:
                    with transaction.atomic():
                        Account.objects.select_for_update(no_key=True).get().end_sessions()
            return []
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(exchange, name) for name in ("a", "b", "c")] + [pool.submit(begin_and_end)]
        statuses = [status for job in jobs for status in job.result()]

    assert 200 in statuses
    assert set(statuses) <= {200, 400}
    assert Session.objects.count() <= 3


def test_sessions_of_other_accounts_do_not_count(graphql, sign_in, account, at_most_three):
    """Each account has its own."""
    strangers = [sign_in(make_account()) for _ in range(3)]
    for _ in range(3):
        sign_in(account)

    assert all(graphql(ME, token=stranger.access_token).status == 200 for stranger in strangers)
    assert ends(EventType.SESSION_ENDED) == []


def test_simultaneous_sign_ins_stay_below_the_limit(tmp_path: Path):
    """Each waits for the account's lock; none fails."""
    with serving(tmp_path, SESSIONS_PER_ACCOUNT="3", HASHING_SLOTS="4") as live:
        register = """
        mutation ($input: RegisterInput!) { register(input: $input) { tokens { accessToken } errors { code } } }
        """
        given = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
        live.post(register, input=given)
        barrier = threading.Barrier(4)

        def sign_in(_number: int) -> list[str]:
            barrier.wait()
            found = []
            for _ in range(3):
                _status, body = live.post(TOKEN_AUTH, input={"email": "ada@example.com", "password": PASSWORD})
                payload = body["data"]["tokenAuth"]
                found.append(payload["tokens"]["accessToken"] if payload["tokens"] else str(codes(payload)))
            return found

        with ThreadPoolExecutor(4) as pool:
            tokens = [token for found in pool.map(sign_in, range(4)) for token in found]
        alive = [
            token
            for token in tokens
            if requests.post(
                f"{live.url}/graphql",
                json={"query": ME},
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
            ).status_code
            == 200
        ]

    assert not [token for token in tokens if token.startswith("[") and "RATE_LIMITED" not in token]
    assert len(alive) == 3


# Introspection


@pytest.fixture
def introspect(client, db):
    """What a resource server learns of a token."""
    server, secret = make_client(client_type="confidential")

    def ask(token: str) -> dict[str, Any]:
        form = {"token": token, "client_id": server.client_id, "client_secret": secret}
        answer: dict[str, Any] = client.post("/o/introspect/", form).json()
        return answer

    return ask


def test_introspection_tells_when_and_how_the_holder_proved_themselves(introspect, signed_in):
    """RFC 9470 §6.2, RFC 8176: a resource server can ask for a fresher proof. `fed` is a sign-in by a provider."""
    begun = Session.objects.get().authenticated_at
    assert introspect(signed_in.access_token).items() >= {"auth_time": int(begun.timestamp()), "amr": ["pwd"]}.items()

    Session.objects.update(authentication_methods=["social", "password"])
    assert introspect(signed_in.access_token)["amr"] == ["fed", "pwd"]


@pytest.mark.parametrize(
    ("methods", "amr"),
    [
        (["password", "totp"], ["pwd", "otp", "mfa"]),
        (["social", "recovery_code"], ["fed", "otp", "mfa"]),
        (["email_code", "totp"], ["otp", "mfa"]),
        (["password", "passkey"], ["pwd", "swk", "mfa"]),
        (["passkey"], ["swk", "mfa"]),
        (["password", "email_code"], ["pwd", "otp"]),
    ],
)
def test_introspection_tells_of_second_factors(introspect, signed_in, methods, amr):
    """RFC 8176: `mfa` beside the methods. A passkey alone has verified its user."""
    Session.objects.update(authentication_methods=methods)

    assert introspect(signed_in.access_token)["amr"] == amr


@pytest.mark.parametrize("methods", [[], ["totp"], ["recovery_code"]], ids=str)
def test_introspection_claims_no_proof_where_there_was_none(introspect, signed_in, methods):
    """A session that one's own code began, also once a second factor was shown in it."""
    Session.objects.update(authentication_methods=methods)

    answer = introspect(signed_in.access_token)

    assert answer["active"]
    assert not {"auth_time", "amr"} & answer.keys()


def test_a_refresh_keeps_the_time_of_the_proof(introspect, graphql, signed_in):
    """It proves nothing."""
    begun = int(Session.objects.get().authenticated_at.timestamp())
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        pair = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]

        assert introspect(pair["accessToken"])["auth_time"] == begun

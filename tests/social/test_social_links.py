"""Linking and unlinking: the account's holder decides, and nobody is locked out."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.challenges.models import Challenge
from accounts.people.models import Account
from accounts.tokens.models import Client, Session
from tests.api import CONVERT, LINK, ME, SOCIAL_ACCOUNTS, TOKEN_AUTH, UNLINK, codes, refusals
from tests.factories import make_account, make_client
from tests.live import serving
from tests.providers import faults
from tests.providers.stored import nothing_changes

MINE = f"{{ me {{ id {SOCIAL_ACCOUNTS} }} }}"
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on SocialAccount { provider } } }"
FRESH = ["source", "credential"]
TICKET = ["source", "challengeToken"]


@pytest.fixture
def convert(graphql, providers):
    """Present an access token: the payload."""

    def send(access_token: str, provider="google", **more: Any) -> Any:
        given = {"provider": provider, "credential": {"accessToken": access_token}, **more}
        return graphql(CONVERT, input=given).data["convertSocialToken"]

    return send


@pytest.fixture
def link(graphql):
    """Link with a fresh access token, or with a challenge."""

    def send(token: str, source: str, provider="google", *, challenge=False) -> Any:
        fresh = {"credential": {"provider": provider, "credential": {"accessToken": source}}}
        given = {"source": {"challengeToken": source} if challenge else fresh}
        return graphql(LINK, token=token, input=given).data["linkSocialAccount"]

    return send


@pytest.fixture
def unlink(graphql):
    """By its id."""

    def send(token: str, id_: str) -> Any:
        return graphql(UNLINK, token=token, input={"id": id_}).data["unlinkSocialAccount"]

    return send


@pytest.fixture
def ada(db):
    """Who has shown that the address is hers."""
    return make_account(email="ada@example.com", email_verified=True)


@pytest.fixture
def challenge(convert, providers, ada):
    """The LinkChallenge of somebody with Ada's address at Google."""
    payload = convert(providers.google_token())
    assert codes(payload) == ["LINK_REQUIRED"]
    return payload["challenge"]


@pytest.fixture
def token(sign_in, graphql, ada) -> str:
    """Ada's, used before: its first use leaves a trace."""
    access_token = sign_in(ada).access_token
    graphql(ME, token=access_token)
    return access_token


# LINK_REQUIRED


def test_the_holder_of_an_address_is_told_how_to_go_on(convert, providers, ada):
    """S33: nothing is linked by an address; the challenge says which account, and its ways in."""
    payload = convert(providers.google_token(email="ADA@example.com"))

    assert payload["tokens"] is None
    assert payload["account"] is None
    challenge = payload["challenge"]
    assert challenge.pop("token")
    assert challenge == {
        "__typename": "LinkChallenge",
        "expiresIn": 900,
        "provider": "google-oauth2",
        "email": "ada@example.com",
        "signInMethods": ["PASSWORD", "EMAIL_CODE"],
    }
    assert not UserSocialAuth.objects.exists()
    assert not Session.objects.exists()


@pytest.mark.parametrize("verified", [False, "false", None])
def test_who_has_not_shown_the_address_is_told_nothing_more(convert, providers, ada, verified):
    """S32: neither the ways in of that account, nor a way on."""
    with nothing_changes():
        payload = convert(providers.google_token(email_verified=verified))

    assert codes(payload) == ["LINK_REQUIRED"]
    assert payload["challenge"] is None


def test_the_challenge_links_after_a_sign_in(challenge, link, token, ada, convert, providers):
    """The credential is spent and not needed again; from now on it signs in."""
    payload = link(token, challenge["token"], challenge=True)

    assert payload["errors"] == []
    assert payload["socialAccount"]["provider"] == "google-oauth2"
    assert [one["email"] for one in payload["account"]["socialAccounts"]] == ["ada@example.com"]
    signed_in = convert(providers.google_token())
    assert signed_in["account"]["id"] == payload["account"]["id"]
    assert not signed_in["isNewAccount"]


def test_the_token_of_a_challenge_is_not_stored(challenge):
    """S15, S63: its digest is."""
    stored = str(list(Challenge.objects.values()))

    assert challenge["token"] not in stored
    assert "ya29." not in stored


def test_a_challenge_is_answered_once(challenge, link, token):
    """S63."""
    assert link(token, challenge["token"], challenge=True)["errors"] == []

    with nothing_changes():
        assert refusals(link(token, challenge["token"], challenge=True)) == [("INVALID_CHALLENGE", TICKET)]


@pytest.mark.parametrize("forged", ["", "x", "\x7f", "é", "x" * 10_000])
def test_a_forged_challenge_is_refused(challenge, link, token, forged):
    """S63."""
    with nothing_changes():
        assert refusals(link(token, forged, challenge=True)) == [("INVALID_CHALLENGE", TICKET)]


def test_a_challenge_expires(challenge, link, token):
    """S63."""
    Challenge.objects.update(expires_at=timezone.now())

    with nothing_changes():
        assert refusals(link(token, challenge["token"], challenge=True)) == [("INVALID_CHALLENGE", TICKET)]


def test_a_challenge_is_for_one_account(challenge, link, sign_in):
    """S70: whoever else is signed in, links nothing with it."""
    stranger = sign_in(make_account())

    assert refusals(link(stranger.access_token, challenge["token"], challenge=True)) == [("INVALID_CHALLENGE", TICKET)]
    assert not UserSocialAuth.objects.exists()


def test_a_challenge_is_for_one_client(challenge, link, sign_in, ada):
    """S63, S70."""
    client, _secret = make_client()
    elsewhere = sign_in(ada, clientId=client.client_id)

    assert refusals(link(elsewhere.access_token, challenge["token"], challenge=True)) == [("INVALID_CHALLENGE", TICKET)]
    assert not UserSocialAuth.objects.exists()


def test_a_challenge_can_be_tried_some_times(challenge, link, sign_in, token, settings):
    """S63: then not even its own account links with it."""
    stranger = sign_in(make_account())
    for _ in range(settings.LATCHKEY.challenge_attempts):
        link(stranger.access_token, challenge["token"], challenge=True)

    assert refusals(link(token, challenge["token"], challenge=True)) == [("INVALID_CHALLENGE", TICKET)]


def test_a_challenge_links_nothing_that_was_linked_in_the_meantime(challenge, link, token):
    """To another account."""
    UserSocialAuth.objects.create(
        user=make_account(), provider="google-oauth2", uid="110169484474386276334", id_key="sub"
    )

    assert codes(link(token, challenge["token"], challenge=True)) == ["ALREADY_LINKED"]


def test_a_challenge_of_a_provider_that_is_gone(challenge, link, token, settings):
    """Switched off in the meantime."""
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=())

    assert refusals(link(token, challenge["token"], challenge=True)) == [("INVALID_CHALLENGE", TICKET)]
    assert not UserSocialAuth.objects.exists()


def test_a_profile_challenge_links_nothing(convert, providers, link, sign_in):
    """One kind is not the other."""
    other = convert(providers.google_token(email=None))["challenge"]

    assert codes(link(sign_in(make_account()).access_token, other["token"], challenge=True)) == ["INVALID_CHALLENGE"]


def test_challenges_go_with_their_client(challenge, link, token):
    """A deleted client's calls are nobody's."""
    Client.objects.all().delete()

    assert not Challenge.objects.exists()


# With a fresh credential


def test_a_fresh_credential_links(link, token, providers):
    """To whoever is signed in, whatever its address."""
    payload = link(token, providers.google_token(sub="9", email="work@example.com", email_verified=False))

    assert payload["errors"] == []
    assert payload["socialAccount"] == {
        "id": payload["socialAccount"]["id"],
        "provider": "google-oauth2",
        "label": "Google",
        "email": "work@example.com",
    }
    assert Account.objects.get().email == "ada@example.com"


def test_linking_the_accounts_own_address_verifies_it(link, sign_in, providers, convert):
    """Else a sign-in by another provider would take the account from its own holder (S9)."""
    token = sign_in(make_account(email="ada@example.com")).access_token
    link(token, providers.google_token())

    assert Account.objects.get().email_verified
    other = convert(providers["openid"].access_token(), "corp")
    assert codes(other) == ["LINK_REQUIRED"]


def test_linking_another_address_verifies_nothing(link, sign_in, providers):
    """S32."""
    token = sign_in(make_account(email="ada@example.com")).access_token
    link(token, providers.google_token(email="other@example.com"))
    link(token, providers.google_token(sub="2", email_verified=False))

    assert not Account.objects.get().email_verified


def test_linking_again_is_no_error(link, token, providers):
    """A double click."""
    ids = {link(token, providers.google_token())["socialAccount"]["id"] for _ in range(2)}

    assert len(ids) == UserSocialAuth.objects.count() == 1


def test_an_identity_belongs_to_one_account(link, token, providers, convert):
    """ALREADY_LINKED, and it stays where it is."""
    convert(providers.google_token(email="grace@example.com"))
    owner = UserSocialAuth.objects.get().user

    with nothing_changes():
        assert refusals(link(token, providers.google_token())) == [("ALREADY_LINKED", None)]
    assert UserSocialAuth.objects.get().user == owner


def test_who_may_not_sign_in_may_not_be_linked(link, token, providers, settings):
    """social-core's list of domains holds here too; an address that is not verified is on no list."""
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_WHITELISTED_DOMAINS = ["example.org"]
    good = providers.google_token(email="ada@example.org")

    with nothing_changes():
        for stranger in ({}, {"email": "ada@example.org", "email_verified": False}):
            assert codes(link(token, providers.google_token(**stranger))) == ["PROVIDER_REJECTED"]
    assert link(token, good)["errors"] == []


@pytest.mark.parametrize("provider", ["nobody", "google"])
def test_what_cannot_be_verified_is_not_linked(link, token, providers, provider):
    """S28: with the field below `source`."""
    foreign = providers.google_token(token={"aud": "evil", "azp": "evil"})
    expected = {
        "nobody": ("PROVIDER_UNKNOWN", [*FRESH, "provider"]),
        "google": ("PROVIDER_REJECTED", [*FRESH, "credential", "accessToken"]),
    }

    with nothing_changes():
        assert refusals(link(token, foreign, provider)) == [expected[provider]]


def test_a_kind_that_the_provider_does_not_take(graphql, token, providers):
    """GitHub has no ID tokens."""
    fresh = {"provider": "github", "credential": {"idToken": providers["openid"].id_token()}}

    payload = graphql(LINK, token=token, input={"source": {"credential": fresh}}).data["linkSocialAccount"]

    assert refusals(payload) == [("CREDENTIAL_NOT_SUPPORTED", [*FRESH, "credential", "idToken"])]


def test_a_provider_that_is_down_links_nothing(link, token, providers):
    """S37."""
    providers.faults["userinfo"] = faults.internal_error

    with nothing_changes():
        assert codes(link(token, providers.google_token())) == ["PROVIDER_UNAVAILABLE"]


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ({"code": "x"}, "REQUIRED"),
        ({"code": "x", "redirectUri": "http://evil.example/", "codeVerifier": "x" * 50}, "REDIRECT_URI_NOT_ALLOWED"),
    ],
)
def test_a_code_needs_what_belongs_to_it(graphql, token, providers, code, refusal):
    """As for a sign-in."""
    fresh = {"provider": "corp", "credential": {"code": code}}

    payload = graphql(LINK, token=token, input={"source": {"credential": fresh}}).data["linkSocialAccount"]

    assert codes(payload) == [refusal]


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        (LINK, {"source": {"challengeToken": "x"}}),
        (UNLINK, {"id": "x"}),
    ],
)
@pytest.mark.parametrize(("presented", "status"), [(None, 200), ("stale", 401)])
def test_only_who_is_signed_in_links_and_unlinks(graphql, operation, given, presented, status):
    """S23."""
    answer = graphql(operation, token=presented, input=given)

    assert (answer.status, answer.codes) == (status, ["UNAUTHENTICATED"])


# socialAccounts, node, unlinkSocialAccount


def test_me_lists_what_is_linked(graphql, link, token, providers):
    """With the provider's name for people, and when it was last used."""
    link(token, providers.google_token())
    link(token, providers.facebook_token(email=None), "facebook")

    listed = graphql(MINE, token=token).data["me"]["socialAccounts"]

    assert [(one["provider"], one["label"], one["email"]) for one in listed] == [
        ("google-oauth2", "Google", "ada@example.com"),
        ("facebook", "Facebook", None),
    ]
    assert all(one["createdAt"] and one["lastUsedAt"] for one in listed)


def test_a_row_of_earlier_times_is_listed_too(graphql, token, ada, providers):
    """Of a provider that is switched off, by another version."""
    UserSocialAuth.objects.create(user=ada, provider="twitter", uid="7", id_key="sub", extra_data="text")

    [listed] = graphql(MINE, token=token).data["me"]["socialAccounts"]

    assert (listed["label"], listed["email"], listed["lastUsedAt"]) == ("twitter", None, None)


def test_only_the_holder_sees_it_as_a_node(graphql, link, token, providers, sign_in):
    """S65: null for others, as for what does not exist; and its id does not count."""
    id_ = link(token, providers.google_token())["socialAccount"]["id"]
    stranger = sign_in(make_account()).access_token

    assert graphql(NODE, token=token, id=id_).data["node"] == {
        "__typename": "SocialAccount",
        "id": id_,
        "provider": "google-oauth2",
    }
    assert graphql(NODE, token=stranger, id=id_).data["node"] is None
    assert graphql(NODE, id=id_).data["node"] is None
    assert str(UserSocialAuth.objects.get().pk) != base64.b64decode(id_).decode().split(":")[1]


def test_unlinking(graphql, link, unlink, token, providers):
    """It signs in no more."""
    id_ = link(token, providers.google_token())["socialAccount"]["id"]

    payload = unlink(token, id_)

    assert payload["errors"] == []
    assert payload["deletedSocialAccountId"] == id_
    assert payload["account"]["socialAccounts"] == []
    assert not UserSocialAuth.objects.exists()


def test_the_last_way_in_is_not_taken(convert, unlink, providers, graphql):
    """S38: an account without a password."""
    token = convert(providers.google_token())["tokens"]["accessToken"]
    [linked] = graphql(MINE, token=token).data["me"]["socialAccounts"]

    with nothing_changes():
        payload = unlink(token, linked["id"])
    assert refusals(payload) == [("LAST_SIGN_IN_METHOD", None)]
    assert payload["deletedSocialAccountId"] is None


def test_a_way_in_that_is_switched_off_is_none(convert, link, unlink, providers, settings):
    """S38: what is left has to work."""
    token = convert(providers.google_token())["tokens"]["accessToken"]
    link(token, providers.facebook_token(), "facebook")
    google = UserSocialAuth.objects.get(provider="google-oauth2")
    id_ = next(one["id"] for one in _listed(link, token, providers) if one["provider"] == google.provider)
    settings.LATCHKEY = replace(
        settings.LATCHKEY, providers=tuple(one for one in settings.LATCHKEY.providers if one.name != "facebook")
    )

    assert codes(unlink(token, id_)) == ["LAST_SIGN_IN_METHOD"]


def _listed(link, token, providers):
    return link(token, providers.google_token())["account"]["socialAccounts"]


@pytest.mark.parametrize("what", ["strangers", "junk", "account", "unknown"])
def test_what_is_not_ones_own_is_not_found(link, unlink, token, providers, sign_in, what, graphql):
    """S65: alike, and nothing is taken from anybody."""
    strangers = link(sign_in(make_account()).access_token, providers.google_token())["socialAccount"]["id"]
    ids = {
        "strangers": strangers,
        "junk": "junk",
        "account": graphql(ME, token=token).data["me"]["id"],
        "unknown": base64.b64encode(b"SocialAccount:00000000-0000-0000-0000-000000000000").decode(),
    }

    with nothing_changes():
        assert refusals(unlink(token, ids[what])) == [("NOT_FOUND", ["id"])]


def test_of_two_ways_in_one_is_left_however_fast_one_clicks(providers, tmp_path):
    """S38: both removed at once, against a real server."""
    with serving(tmp_path, WORKERS="2", THREADS="4", **providers.environment) as live:

        def post(operation: str, token: str | None = None, **given: Any) -> Any:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            _status, body = live.post(operation, headers=headers, input=given)
            return next(iter(body["data"].values()))

        for person in range(5):
            google = {"accessToken": providers.google_token(sub=str(person), email=f"p{person}@example.com")}
            token = post(CONVERT, provider="google", credential=google)["tokens"]["accessToken"]
            facebook = {"accessToken": providers.facebook_token(id=str(person))}
            fresh = {"provider": "facebook", "credential": facebook}
            listed = post(LINK, token, source={"credential": fresh})["account"]["socialAccounts"]
            together = threading.Barrier(2, timeout=30)

            def remove(id_: str, token: str = token, together: threading.Barrier = together) -> Any:
                together.wait()
                return post(UNLINK, token, id=id_)

            with ThreadPoolExecutor(2) as pool:
                payloads = list(pool.map(remove, [one["id"] for one in listed]))

            assert sorted(map(codes, payloads)) == [[], ["LAST_SIGN_IN_METHOD"]]


def test_an_account_with_a_password_signs_in_with_it_still(graphql, link, token, providers, ada):
    """Linking takes nothing away."""
    link(token, providers.google_token())

    payload = graphql(TOKEN_AUTH, input={"email": ada.email, "password": "correct horse battery staple"})
    assert payload.data["tokenAuth"]["errors"] == []

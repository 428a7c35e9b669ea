"""S88, S24: whoever holds a session proves again who they are, by a credential of the same account."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.conf import Provider, rate_limits
from accounts.guard import store
from accounts.guard.models import SecurityEvent
from accounts.people.models import Account
from accounts.shared.models import SpentCredential
from accounts.social.providers.github import github
from accounts.social.providers.provider import SocialProvider
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import Session
from tests.api import AUTH_URL, LINK, ME, PASSWORD, REFRESH, Answer, codes, refusals
from tests.factories import make_account, make_client
from tests.providers import faults
from tests.providers.stored import nothing_changes

REAUTHENTICATE = """
mutation ($input: ReauthenticateInput!) {
  reauthenticate(input: $input) { expiresIn errors { code field message retryAfter } }
}
"""
METHODS = "{ me { reauthenticationMethods sessions { nodes { authenticationMethods reauthenticatedUntil } } } }"
BY_PASSWORD = {"password": PASSWORD}
WITHOUT_PROVIDER = ["PASSWORD", "EMAIL_CODE"]
CALLBACK = "http://localhost:5173/callback"
WRONG_PASSWORD = ("INVALID_CREDENTIALS", ["credential", "password"])
NOT_LINKED = ("INVALID_CREDENTIALS", ["credential", "social"])


def by_google(**credential: Any) -> dict[str, Any]:
    """A credential of Google's."""
    return {"social": {"provider": "google", "credential": credential}}


def new_at_google(providers: Any, **claims: Any) -> dict[str, Any]:
    """A new ID token."""
    return by_google(idToken=providers["google"].id_token(**claims))


@pytest.fixture
def ask(graphql):
    """Send one credential: the payload."""

    def send(token: str, credential: dict[str, Any]) -> Any:
        return graphql(REAUTHENTICATE, token=token, input={"credential": credential}).data["reauthenticate"]

    return send


@pytest.fixture
def stale(signed_in, graphql):
    """Somebody who signed in with the password a day ago."""
    graphql(ME, token=signed_in.access_token)
    begun = timezone.now() - timedelta(days=1)
    Session.objects.update(authenticated_at=begun)
    return signed_in


@pytest.fixture
def linked(stale, providers):
    """Their account has a link to Google."""
    return UserSocialAuth.objects.create(
        user=stale.account, provider="google-oauth2", uid="110169484474386276334", id_key="sub"
    )


def events() -> list[tuple[str, Any, Any, str]]:
    """What was recorded of this room."""
    found = SecurityEvent.objects.filter(type__startswith="account:reauthenticate").order_by("created_at", "id")
    return list(found.values_list("type", "subject", "actor", "cause"))


def proved() -> tuple[datetime, list[str]]:
    """When and with what the only session was proved."""
    return Session.objects.values_list("authenticated_at", "authentication_methods").get()


# By the password


def test_the_password_proves_it_again(ask, stale):
    """For REAUTHENTICATION_LIFETIME; the session, its tokens and its account are as they were."""
    before = timezone.now()

    payload = ask(stale.access_token, BY_PASSWORD)

    assert payload == {"expiresIn": 600, "errors": []}
    at, methods = proved()
    assert at >= before
    assert methods == ["password"]
    assert events() == [("account:reauthenticate:success", stale.account.pk, stale.account.pk, "")]


def test_the_session_says_until_when(graphql, ask, stale):
    """Read back by the holder."""
    ask(stale.access_token, BY_PASSWORD)

    [session] = graphql(METHODS, token=stale.access_token).data["me"]["sessions"]["nodes"]
    until = datetime.fromisoformat(session["reauthenticatedUntil"])
    assert timedelta(seconds=590) < until - timezone.now() <= timedelta(seconds=600)


def test_only_the_session_that_asks_is_proved(ask, stale, sign_in):
    """Another one, perhaps a stolen one, stays as stale as it was."""
    other = Session.objects.get()
    here = sign_in(stale.account)
    Session.objects.update(authenticated_at=timezone.now() - timedelta(days=1))

    ask(here.access_token, BY_PASSWORD)

    assert timezone.now() - Session.objects.get(pk=other.pk).authenticated_at > timedelta(hours=23)


@pytest.mark.parametrize("password", ["wrong", "", " ", "\0", PASSWORD.upper(), "x" * 5000])
def test_a_wrong_password_proves_nothing_though_the_bearer_is_valid(ask, stale, password):
    """S24: the token says who asks, and no more."""
    with nothing_changes():
        payload = ask(stale.access_token, {"password": password})

    assert refusals(payload) == [WRONG_PASSWORD]
    assert payload["expiresIn"] is None
    assert events() == [("account:reauthenticate:failure", stale.account.pk, stale.account.pk, "INVALID_CREDENTIALS")]


def test_another_accounts_password_proves_nothing(ask, stale):
    """Only the account of the token counts."""
    make_account(password="another passphrase entirely")

    with nothing_changes():
        assert refusals(ask(stale.access_token, {"password": "another passphrase entirely"})) == [WRONG_PASSWORD]


def test_an_account_without_password_has_none_to_prove(ask, stale):
    """Whatever is sent."""
    Account._base_manager.filter(pk=stale.account.pk).update(password="!")

    with nothing_changes():
        for password in ("", "!", PASSWORD):
            assert refusals(ask(stale.access_token, {"password": password})) == [WRONG_PASSWORD]


def test_nobody_proves_anything_signed_out(graphql, stale):
    """The session is the one of the token; the answer is HTTP's."""
    for token in (None, "unknown"):
        answer: Answer = graphql(REAUTHENTICATE, token=token, input={"credential": BY_PASSWORD})
        assert answer.codes == ["UNAUTHENTICATED"]
    assert events() == []


@pytest.mark.parametrize("credential", [{}, {"password": None}, {**BY_PASSWORD, **by_google(idToken="x")}])
def test_exactly_one_credential_is_sent(graphql, stale, credential):
    """@oneOf."""
    with nothing_changes():
        answer = graphql(REAUTHENTICATE, token=stale.access_token, input={"credential": credential})

    assert answer.codes == ["BAD_USER_INPUT"]


def test_a_token_without_a_session_cannot_be_proved(graphql, stale):
    """401: sign in."""
    Session.objects.all().delete()

    answer = graphql(REAUTHENTICATE, token=stale.access_token, input={"credential": BY_PASSWORD})

    assert answer.codes == ["UNAUTHENTICATED"]


def during(monkeypatch, change) -> None:
    """Let something happen while the password is hashed."""
    check = Account.check_password

    def check_and_change(account: Account, password: str | None) -> bool:
        right = check(account, password)
        change(account)
        return right

    monkeypatch.setattr(Account, "check_password", check_and_change)


def test_a_password_that_was_changed_meanwhile_proves_nothing(ask, stale, monkeypatch):
    """Also in a session that the change has let continue."""

    def change(account: Account) -> None:
        other = Account.objects.get(pk=account.pk)
        other.set_password("a passphrase of the holder")
        other.save(keep_session=Session.objects.get().pk)

    during(monkeypatch, change)
    before = proved()

    assert refusals(ask(stale.access_token, BY_PASSWORD)) == [WRONG_PASSWORD]
    assert proved() == before


@pytest.mark.parametrize("end", ["session", "account"])
def test_a_session_that_ended_meanwhile_is_not_proved(graphql, stale, monkeypatch, end):
    """401, as for each of its later requests; nothing comes back to life."""

    def change(account: Account) -> None:
        if end == "session":
            bearer_tokens.end_session(Session.objects.get())
        else:
            Account.objects.filter(pk=account.pk).update(is_active=False)

    during(monkeypatch, change)

    answer = graphql(REAUTHENTICATE, token=stale.access_token, input={"credential": BY_PASSWORD})

    assert answer.codes == ["UNAUTHENTICATED"]
    assert not Session.objects.exists()


def test_a_refresh_meanwhile_is_not_undone(graphql, stale):
    """Both write the session's row, each its own columns."""
    session = Session.objects.get()
    used_at = session.last_used_at
    pair = graphql(REFRESH, input={"refreshToken": stale.refresh_token}).data["refreshToken"]["tokens"]
    graphql(REAUTHENTICATE, token=pair["accessToken"], input={"credential": BY_PASSWORD})

    session.refresh_from_db()
    assert session.last_used_at > used_at
    assert graphql(ME, token=pair["accessToken"]).status == 200


# By a provider


def test_a_linked_identity_proves_it_again(ask, stale, linked, providers):
    """The methods stand in order, each once."""
    for credential in (new_at_google(providers), BY_PASSWORD, BY_PASSWORD):
        assert ask(stale.access_token, credential) == {"expiresIn": 600, "errors": []}

    assert proved()[1] == ["password", "social"]


@pytest.mark.parametrize("owner", ["nobody", "another account"])
def test_only_an_identity_of_this_account_counts(ask, stale, linked, providers, owner):
    """S25: a good credential of somebody else's; and nothing is linked or created."""
    if owner == "another account":
        UserSocialAuth.objects.create(user=make_account(), provider="google-oauth2", uid="7", id_key="sub")

    with nothing_changes(SpentCredential):
        payload = ask(stale.access_token, new_at_google(providers, sub="7"))

    assert refusals(payload) == [NOT_LINKED]
    assert events()[-1][-1] == "INVALID_CREDENTIALS"


def test_the_accounts_address_at_a_provider_proves_nothing(ask, stale, providers):
    """S31: an identity is (provider, sub)."""
    Account._base_manager.update(email="ada@example.com", email_verified=True)

    with nothing_changes(SpentCredential):
        assert refusals(ask(stale.access_token, new_at_google(providers))) == [NOT_LINKED]


def test_an_id_token_proves_it_once(ask, stale, linked, providers):
    """S35."""
    credential = new_at_google(providers)

    assert ask(stale.access_token, credential)["errors"] == []
    before = proved()
    assert codes(ask(stale.access_token, credential)) == ["PROVIDER_REJECTED"]
    assert proved() == before


@pytest.mark.parametrize("provider", ["google", "github", "facebook"])
def test_an_access_token_proves_nothing_new(ask, stale, providers, provider):
    """S88: it may be hours old, and whoever copied it can send it again. The provider is not asked."""
    asked, token = len(providers.asked), providers.google_token()
    for name in ("google-oauth2", "github", "facebook"):
        UserSocialAuth.objects.create(user=stale.account, provider=name, uid="110169484474386276334", id_key="sub")

    with nothing_changes():
        payload = ask(stale.access_token, {"social": {"provider": provider, "credential": {"accessToken": token}}})

    assert refusals(payload) == [("CREDENTIAL_NOT_SUPPORTED", ["credential", "social", "credential", "accessToken"])]
    assert payload["expiresIn"] is None
    assert len(providers.asked) == asked
    assert events()[-1][-1] == "CREDENTIAL_NOT_SUPPORTED"


@pytest.fixture
def come_back(graphql, providers):
    """Begin a redirect to Google, agree there, and come back."""

    def journey(*, token: str | None, client_id="web") -> dict[str, Any]:
        given = {"provider": "google", "redirectUri": CALLBACK, "clientId": client_id}
        authorization = graphql(AUTH_URL, token=token, input=given).data["createSocialAuthUrl"]["authorization"]
        code = {**providers["google"].authorize(authorization["url"]), "flow": authorization["flow"]}
        return by_google(code=code)

    return journey


def test_a_flow_that_was_begun_with_the_bearer_proves_it(ask, stale, linked, come_back):
    """S70."""
    assert ask(stale.access_token, come_back(token=stale.access_token))["errors"] == []


def test_a_flow_that_was_begun_by_others_proves_nothing(ask, stale, linked, come_back, sign_in):
    """S70: signed out, or by another account."""
    stranger = sign_in(make_account())

    for token in (None, stranger.access_token):
        with nothing_changes():
            payload = ask(stale.access_token, come_back(token=token))
        assert refusals(payload) == [("PROVIDER_REJECTED", ["credential", "social", "credential", "code", "flow"])]


def test_a_flow_of_another_client_proves_nothing(ask, stale, linked, come_back, sign_in):
    """S70."""
    client, _secret = make_client(redirect_uris=CALLBACK)
    elsewhere = sign_in(stale.account, clientId=client.client_id)

    payload = ask(stale.access_token, come_back(token=elsewhere.access_token, client_id=client.client_id))

    assert codes(payload) == ["PROVIDER_REJECTED"]


@pytest.mark.parametrize(
    ("provider", "credential", "expected"),
    [
        ("nobody", {"accessToken": "x"}, ("PROVIDER_UNKNOWN", "provider")),
        ("google", {"accessToken": "x"}, ("CREDENTIAL_NOT_SUPPORTED", "credential.accessToken")),
        ("google", {"idToken": "x"}, ("PROVIDER_REJECTED", "credential.idToken")),
        ("github", {"idToken": "x"}, ("CREDENTIAL_NOT_SUPPORTED", "credential.idToken")),
        ("google", {"code": {"code": "x"}}, ("REQUIRED", "credential.code.redirectUri")),
        (
            "google",
            {"code": {"code": "x", "redirectUri": "http://evil.example/", "codeVerifier": "x" * 50}},
            ("REDIRECT_URI_NOT_ALLOWED", "credential.code.redirectUri"),
        ),
    ],
)
def test_what_cannot_be_verified_proves_nothing(ask, stale, linked, provider, credential, expected):
    """With its field."""
    code, path = expected

    with nothing_changes():
        payload = ask(stale.access_token, {"social": {"provider": provider, "credential": credential}})

    assert refusals(payload) == [(code, ["credential", "social", *path.split(".")])]


def test_a_provider_that_is_down_proves_nothing(ask, stale, linked, providers, come_back):
    """S37; the password still does."""
    providers.faults["token"] = faults.internal_error

    assert codes(ask(stale.access_token, come_back(token=stale.access_token))) == ["PROVIDER_UNAVAILABLE"]
    assert ask(stale.access_token, BY_PASSWORD)["errors"] == []


def test_who_may_not_sign_in_may_not_prove_anything(ask, stale, linked, providers, settings):
    """social-core's list of domains holds here too."""
    settings.SOCIAL_AUTH_GOOGLE_OAUTH2_WHITELISTED_DOMAINS = ["example.org"]

    assert codes(ask(stale.access_token, new_at_google(providers))) == ["PROVIDER_REJECTED"]


# Methods


def test_an_account_is_told_what_it_can_prove_itself_with(graphql, stale, providers):
    """Its password, its mailbox, and providers that can ask it anew."""

    def methods() -> Any:
        return graphql(METHODS, token=stale.access_token).data["me"]["reauthenticationMethods"]

    assert methods() == ["PASSWORD", "EMAIL_CODE"]
    UserSocialAuth.objects.create(user=stale.account, provider="google-oauth2", uid="7", id_key="sub")
    assert methods() == ["PASSWORD", "EMAIL_CODE", "SOCIAL"]
    Account._base_manager.update(password="!")
    assert methods() == ["EMAIL_CODE", "SOCIAL"]


def test_a_provider_that_is_switched_off_is_no_method(graphql, stale, linked, settings):
    """It could not be used."""
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=())

    assert graphql(METHODS, token=stale.access_token).data["me"]["reauthenticationMethods"] == WITHOUT_PROVIDER


def without_codes(provider: Provider) -> SocialProvider:
    """A provider of a deployment's own, with access tokens alone."""
    return replace(github(provider), codes=None)


def test_a_provider_of_access_tokens_alone_is_no_method(graphql, stale, linked, settings):
    """One can sign in with it, and prove nothing new."""
    google = next(provider for provider in settings.LATCHKEY.providers if provider.name == "google-oauth2")
    only = replace(google, backend=f"{without_codes.__module__}.{without_codes.__name__}")
    settings.LATCHKEY = replace(settings.LATCHKEY, providers=(only,))

    assert graphql(METHODS, token=stale.access_token).data["me"]["reauthenticationMethods"] == WITHOUT_PROVIDER


def test_a_link_can_follow_the_proof(graphql, ask, stale, providers):
    """The journey: refused, proved, repeated."""
    fresh = {"provider": "google", "credential": {"accessToken": providers.google_token()}}

    def link() -> Any:
        return graphql(LINK, token=stale.access_token, input={"source": {"credential": fresh}}).data[
            "linkSocialAccount"
        ]

    assert codes(link()) == ["REAUTHENTICATION_REQUIRED"]
    assert not UserSocialAuth.objects.exists()
    ask(stale.access_token, BY_PASSWORD)
    assert link()["errors"] == []


# Limits


@pytest.fixture
def limited(settings):
    """Three wrong attempts are enough."""
    store.MEMORY.clear()
    cache.clear()
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits("reauthenticate.account=3/1h"))


def test_attempts_are_limited_before_the_hash(ask, stale, limited, monkeypatch):
    """S52: whoever has stolen a session cannot guess the password through it."""
    for _ in range(3):
        ask(stale.access_token, {"password": "wrong"})
    checked: list[str] = []
    monkeypatch.setattr(Account, "check_password", lambda _account, password: checked.append(password))

    with nothing_changes():
        payload = ask(stale.access_token, BY_PASSWORD)

    assert codes(payload) == ["RATE_LIMITED"]
    assert payload["errors"][0]["retryAfter"] > 0
    assert checked == []
    assert {cause for *_, cause in events()} == {"INVALID_CREDENTIALS", "RATE_LIMITED"}


def test_attempts_by_a_provider_are_limited_with_those_by_the_password(ask, stale, linked, limited, providers):
    """One count; the provider is not asked."""
    for _ in range(3):
        ask(stale.access_token, {"password": "wrong"})
    asked = len(providers.asked)

    assert codes(ask(stale.access_token, new_at_google(providers))) == ["RATE_LIMITED"]
    assert len(providers.asked) == asked


def test_proofs_that_succeed_are_not_limited(ask, stale, limited):
    """What counts is what fails."""
    for _ in range(5):
        assert ask(stale.access_token, BY_PASSWORD)["errors"] == []


def test_a_refresh_in_another_tab_uses_up_no_attempt(graphql, ask, stale, limited, monkeypatch):
    """The password was right; the access token was traded while it was checked."""
    pairs = [{"accessToken": stale.access_token, "refreshToken": stale.refresh_token}]

    def refresh(_account: Account) -> None:
        pairs.append(graphql(REFRESH, input={"refreshToken": pairs[-1]["refreshToken"]}).data["refreshToken"]["tokens"])

    with monkeypatch.context() as patched:
        during(patched, refresh)
        for _ in range(5):
            answer = graphql(REAUTHENTICATE, token=pairs[-1]["accessToken"], input={"credential": BY_PASSWORD})
            assert answer.codes == ["UNAUTHENTICATED"]

    assert ask(pairs[-1]["accessToken"], BY_PASSWORD)["errors"] == []


def test_another_account_is_not_limited(ask, stale, limited, sign_in):
    """By the failures of this one."""
    for _ in range(4):
        ask(stale.access_token, {"password": "wrong"})

    assert ask(sign_in(make_account()).access_token, BY_PASSWORD)["errors"] == []

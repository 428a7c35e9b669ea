"""A provider's token traded for ours."""

import pytest
from django.db import connection

from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.social.credentials import AccessToken
from accounts.social.errors import LinkRequired, ProviderRejected, ProviderUnavailable
from accounts.social.sign_in import Converted, convert_social_token
from accounts.social.sign_up import Profile
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant
from accounts.tokens.models import Session
from tests.factories import make_account
from tests.providers import faults
from tests.providers.stored import nothing_changes

CALLER = Caller(ip_address="192.0.2.7", user_agent="tests")


@pytest.fixture
def grant(default_client: None) -> ClientGrant:
    """Of the first-party client."""
    return bearer_tokens.authorize_client()


def convert(access_token: str, grant: ClientGrant, provider: str = "google-oauth2") -> Converted:
    """With somebody at the other end."""
    return convert_social_token(
        provider=provider, credential=AccessToken(value=access_token), hints=Profile(), grant=grant, caller=CALLER
    )


@pytest.mark.parametrize("provider", ["google-oauth2", "facebook"])
def test_a_first_sign_in_makes_an_account_and_signs_it_in(providers, grant, provider):
    """The tokens work, and last_login is told."""
    token = providers.google_token() if provider == "google-oauth2" else providers.facebook_token()

    converted = convert(token, grant, provider)

    account = Account.objects.get()
    assert (converted.account, converted.is_new_account) == (account, True)
    assert account.last_login is not None
    bearer = bearer_tokens.authenticate(f"Bearer {converted.tokens.access_token}")
    assert bearer is not None
    assert bearer.account == account
    session = Session.objects.get()
    assert (session.account, session.ip_address, session.user_agent) == (account, "192.0.2.7", "tests")


def test_a_later_sign_in_finds_it_and_begins_another_session(providers, grant):
    """Each device has its own."""
    first = convert(providers.google_token(), grant)
    second = convert(providers.google_token(), grant)

    assert (second.account, second.is_new_account) == (first.account, False)
    assert Session.objects.filter(account=first.account).count() == 2


def test_a_disabled_account_gets_no_tokens(providers, grant):
    """S34: and last_login stays."""
    account = convert(providers.google_token(), grant).account
    Account.objects.filter(pk=account.pk).update(is_active=False)

    with nothing_changes(), pytest.raises(AccountDisabled):
        convert(providers.google_token(), grant)


def test_a_refused_token_gets_no_tokens(providers, grant):
    """S28."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        convert(providers.google_token(token={"aud": "evil", "azp": "evil"}), grant)


def test_a_taken_address_gets_no_tokens(providers, grant):
    """S33."""
    make_account(email="ada@example.com")

    with nothing_changes(), pytest.raises(LinkRequired):
        convert(providers.google_token(email_verified=False), grant)


def test_an_unavailable_provider_gets_no_tokens(providers, grant):
    """S37."""
    providers.faults["userinfo"] = faults.internal_error

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        convert(providers.google_token(), grant)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_provider_is_asked(providers, grant):
    """A slow provider must not hold locks, nor SQLite's only writer."""
    open_: list[bool] = []
    # The handler runs in the server's thread; the connection asked about is the caller's.
    callers = connection
    providers.before_answering = lambda _endpoint: open_.append(callers.in_atomic_block)

    convert(providers.google_token(), grant)
    convert(providers.google_token(), grant)

    assert open_ == [False] * 4

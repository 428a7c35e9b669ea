"""GitHub, and access tokens of any OpenID provider: whom they are for is asked first (S28)."""

import pytest
from social_django.models import UserSocialAuth

from accounts.people.models import Account
from accounts.social.errors import CredentialNotSupported, ProviderRejected, ProviderUnavailable
from accounts.social.sign_up import Incomplete
from tests.providers import faults
from tests.providers.stored import nothing_changes
from tests.social.identifying import identify

pytestmark = pytest.mark.django_db


def test_a_token_for_us_signs_in(providers):
    """The primary address, verified; the number is the identity, not the name."""
    identified = identify(provider="github", access_token=providers.github.token())

    assert identified.is_new
    account = Account.objects.get()
    assert (account.email, account.email_verified) == ("ada@example.com", True)
    assert (account.first_name, account.last_name) == ("Ada", "King Lovelace")
    assert UserSocialAuth.objects.get().uid == "583231"
    assert providers.paths == ["token", "user", "emails"]


def test_a_renamed_person_is_the_same(providers):
    """S31."""
    first = identify(provider="github", access_token=providers.github.token())
    again = identify(provider="github", access_token=providers.github.token(login="countess", email="new@example.com"))

    assert again.account == first.account


@pytest.mark.parametrize("client", ["another-app", ""])
def test_a_token_for_another_application_is_refused(providers, client):
    """S28, trap 12: whose it is, is not even asked."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="github", access_token=providers.github.token(client=client))
    assert providers.paths == ["token"]


def test_an_unknown_token_is_refused(providers):
    """Forged or revoked."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="github", access_token="gho_unknown")


def test_an_unverified_address_is_not_marked_so(providers):
    """S32."""
    identify(provider="github", access_token=providers.github.token(verified=False))

    assert not Account.objects.get().email_verified


@pytest.mark.parametrize("emails", [None, [], [{"email": "x@example.com", "primary": False}], ["x"]])
def test_without_an_address_it_is_asked_for(providers, emails):
    """The scope `user:email` was not given."""
    with nothing_changes():
        outcome = identify(provider="github", access_token=providers.github.token(emails=emails))
    assert isinstance(outcome, Incomplete)
    assert outcome.missing == ("email",)


def test_without_a_name_it_is_asked_for(providers):
    """Names are optional there."""
    with nothing_changes():
        outcome = identify(provider="github", access_token=providers.github.token(name=None))
    assert isinstance(outcome, Incomplete)
    assert outcome.missing == ("first_name",)


@pytest.mark.parametrize("number", [None, "583231", True, 1.5])
def test_a_strange_number_is_nobodys_key(providers, number):
    """S31."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="github", access_token=providers.github.token(id=number))


def test_github_asked_too_often_is_no_refusal_of_the_token(providers):
    """It says so with 403: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api."""
    token = providers.github.token()
    body = b'{"message": "API rate limit exceeded"}'
    providers.faults["user"] = lambda handler, _status, _body: handler.reply(403, body)

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="github", access_token=token)


def test_our_wrong_secret_is_our_fault(providers, reconfigure):
    """Not a refusal of the token."""
    reconfigure("github", client_secret="wrong")

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="github", access_token=providers.github.token())


@pytest.mark.parametrize("endpoint", ["token", "user", "emails"])
@pytest.mark.parametrize("fault", faults.AT_ONCE, ids=lambda fault: fault.__name__)
def test_a_faulty_answer_is_one_clean_error(providers, endpoint, fault):
    """S37; an array is what `emails` answers, and one too many."""
    token = providers.github.token()
    providers.faults[endpoint] = fault

    with nothing_changes():
        try:
            outcome = identify(provider="github", access_token=token)
        except (ProviderUnavailable, ProviderRejected) as error:
            outcome = error
    assert isinstance(outcome, ProviderUnavailable | ProviderRejected | Incomplete)


# Any OpenID provider, by introspection


def test_an_access_token_is_introspected(providers):
    """RFC 7662, then userinfo."""
    assert identify(provider="corp", access_token=providers["openid"].access_token()).is_new
    assert providers.paths == ["openid-configuration", "introspect", "userinfo"]


@pytest.mark.parametrize("client", ["another-client", "CORP-CLIENT"])
def test_an_access_token_for_another_client_is_refused(providers, client):
    """S28: whose it is, is not even asked."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="corp", access_token=providers["openid"].access_token(client=client))
    assert providers.paths == ["openid-configuration", "introspect"]


def test_a_dead_access_token_is_refused(providers):
    """`active` is false, whatever else is said."""
    with nothing_changes(), pytest.raises(ProviderRejected):
        identify(provider="corp", access_token="at-unknown")


def test_without_introspection_access_tokens_are_not_taken(providers, reconfigure):
    """Nobody could say whom they are for."""
    reconfigure("corp", introspection=False)

    with nothing_changes(), pytest.raises(CredentialNotSupported) as refusal:
        identify(provider="corp", access_token=providers["openid"].access_token())
    assert refusal.value.field == ("credential", "access_token")
    assert providers.asked == []


@pytest.mark.parametrize("provider", ["microsoft", "apple-id"])
def test_who_cannot_say_whom_an_access_token_is_for(providers, provider):
    """S28."""
    with nothing_changes(), pytest.raises(CredentialNotSupported):
        identify(provider=provider, access_token="EwBwA8l6BAAU")
    assert providers.asked == []


@pytest.mark.parametrize("endpoint", ["introspect", "userinfo"])
@pytest.mark.parametrize("fault", faults.AT_ONCE, ids=lambda fault: fault.__name__)
def test_a_faulty_introspection_is_one_clean_error(providers, endpoint, fault):
    """S37."""
    token = providers["openid"].access_token()
    providers.faults[endpoint] = fault

    with nothing_changes(), pytest.raises(ProviderUnavailable):
        identify(provider="corp", access_token=token)

"""S52, S53, S57: who knows a password has few guesses at the second factor, and cannot lock its holder out."""

import pytest

from accounts.conf import latchkey
from accounts.factors.models import Totp
from tests.api import PASSWORD, TOKEN_AUTH, codes
from tests.factories import make_account
from tests.mfa.calls import answer, challenge, confirm, create, holder
from tests.mfa.enrolled import code_of
from tests.passwords.mailed import by_code, by_link, reset

HOME = "192.0.2.1"
ADDRESSES = [f"203.0.113.{number}" for number in range(200)]
WRONG = "no code"


def guesses(graphql, at, account, addresses=ADDRESSES) -> int:
    """How many of these addresses, each with a challenge of its own, may guess once."""
    found = []
    for address in addresses:
        at(address)
        found += codes(answer(graphql, challenge(graphql, account), totpCode=WRONG))
    assert set(found) <= {"INVALID_CODE", "RATE_LIMITED"}
    return found.count("INVALID_CODE")


def test_200_addresses_have_as_many_guesses_as_the_page_says(graphql, at, in_memory):
    """docs/guard.md: 10 at once, and 10 an hour from then on."""
    account, _secret = holder()

    assert guesses(graphql, at, account) == 10
    for hour in range(2):
        in_memory.advance(3600)
        assert guesses(graphql, at, account, ADDRESSES[20 * hour : 20 * hour + 20]) == 10
    rate = latchkey().rate_limits["factor.account"]
    assert rate is not None
    assert rate.attempts + 24 * 3600 // (rate.seconds // rate.attempts) == 250


def test_one_address_has_half_of_them(graphql, at, in_memory):
    """The line of an account at one address."""
    account, _secret = holder()

    assert guesses(graphql, at, account, [HOME] * 12) == 5


def test_the_holder_is_not_locked_out_at_home(graphql, at, in_memory):
    """S53: where they have signed in with a factor, a flood from elsewhere does not stop them."""
    account, secret = holder()
    at(HOME)
    assert answer(graphql, challenge(graphql, account), totpCode=code_of(secret))["tokens"]
    Totp.objects.update(last_step=-1)
    assert guesses(graphql, at, account, ADDRESSES[:20]) == 10

    at(HOME)
    assert answer(graphql, challenge(graphql, account), totpCode=code_of(secret))["tokens"]


def test_a_password_alone_makes_no_place_known(graphql, at, in_memory):
    """S53: else who has stolen it would pass the line of the account."""
    account, _secret = holder()
    for address in ADDRESSES[:12]:
        at(address)
        challenge(graphql, account)

    assert guesses(graphql, at, account, ADDRESSES[:12]) == 10


def test_a_mailed_code_that_sets_no_password_makes_no_place_known(graphql, at, in_memory):
    """S53: one code is right again and again while the password is refused, from any number of addresses."""
    account, _secret = holder(username="ada-lovelace-1815")
    credential = by_code(graphql, account.email)
    for address in ADDRESSES[:12]:
        at(address)
        assert codes(reset(graphql, credential, new=account.username)) == ["PASSWORD_TOO_SIMILAR"]

    assert guesses(graphql, at, account, ADDRESSES[:12]) == 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", [by_code, by_link])
def test_a_mailbox_alone_makes_no_place_known(graphql, at, in_memory, way):
    """S53: who has stolen it resets the password, here and there, and has no more guesses at the factor for that."""
    account, _secret = holder()
    found = []
    for address in ADDRESSES[:4]:
        at(address)
        assert codes(reset(graphql, way(graphql, account.email), new=PASSWORD)) == []
        for _ in range(5):
            found += codes(answer(graphql, challenge(graphql, account), totpCode=WRONG))

    assert found.count("INVALID_CODE") == 10


@pytest.mark.django_db(transaction=True)
def test_a_first_factor_makes_places_strange(graphql, at, in_memory):
    """S53, S57: a thief's may be among those where the password was enough. Where it was set up is known."""
    account = make_account(email_verified=True)
    given = {"email": account.email, "password": PASSWORD}
    for address in (*ADDRESSES[:5], HOME):
        at(address)
        tokens = graphql(TOKEN_AUTH, input=given).data["tokenAuth"]["tokens"]
    enrollment = create(graphql, bearer=tokens["accessToken"])["enrollment"]
    assert codes(confirm(graphql, enrollment, bearer=tokens["accessToken"])) == []

    assert guesses(graphql, at, account, ADDRESSES[:5] * 4) == 10
    assert guesses(graphql, at, account, [HOME]) == 1

"""S52, S53: guesses at mailed codes are few, and neither they nor a flood of mails stop the holder."""

from dataclasses import replace

import pytest
from django.core.cache import cache

from accounts.conf import latchkey, rate_limits
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, Purpose
from tests.api import PASSWORD, TOKEN_AUTH, codes
from tests.factories import make_account, make_client
from tests.login_codes.asking import EMAIL, REQUEST, by_code, mailed, requested, signed_in
from tests.mails import link_token, typed_code
from tests.providers.stored import nothing_changes

HOME, NEW = "192.0.2.1", "192.0.2.2"
WRONG = "BBBB-BBBB"


@pytest.fixture
def at(client, settings):
    """Come from another address."""
    settings.TRUSTED_PROXIES = 1

    def move(address: str) -> None:
        client.defaults["REMOTE_ADDR"] = address

    move(HOME)
    return move


@pytest.fixture
def ada(db):
    """Somebody."""
    return make_account(email=EMAIL, email_verified=True)


def elsewhere(number: int) -> str:
    """One of an attacker's many addresses."""
    return f"203.0.113.{number % 250}"


def asked(graphql) -> list[str]:
    """Ask for a mail: the codes of the payload."""
    return codes(graphql(REQUEST, input={"email": EMAIL}).data["requestLoginCode"])


@pytest.mark.parametrize("known", [True, False])
def test_a_code_bears_five_guesses(graphql, at, known):
    """S71: then the right one does not help any more; and an unknown address gives the same answers (S1)."""
    if known:
        make_account(email=EMAIL, email_verified=True)
    token = requested(graphql)
    right = typed_code(EMAIL, Purpose.SIGN_IN)

    answers = [codes(signed_in(graphql, by_code(token, WRONG))) for _ in range(6)]

    assert answers == [["INVALID_CODE"]] * 5 + [["EXPIRED_CODE"]]
    with nothing_changes():
        assert codes(signed_in(graphql, by_code(token, right))) == ["EXPIRED_CODE"]


def test_guesses_on_one_account_are_limited(graphql, ada, at, settings):
    """S52: whatever the address and the code."""
    settings.LATCHKEY = replace(latchkey(), rate_limits=rate_limits("code.account=3/1h"))
    tokens = [requested(graphql) for _ in range(2)]
    for number in range(3):
        at(elsewhere(number))
        assert codes(signed_in(graphql, by_code(tokens[number % 2], WRONG))) == ["INVALID_CODE"]

    at(elsewhere(4))
    right = typed_code(EMAIL, Purpose.SIGN_IN)
    with nothing_changes():
        assert codes(signed_in(graphql, by_code(tokens[1], right))) == ["RATE_LIMITED"]


def test_guesses_from_one_address_are_limited(graphql, ada, at, settings):
    """S52: whatever the account, the challenge and the link; a neighbour elsewhere is not."""
    settings.LATCHKEY = replace(latchkey(), rate_limits=rate_limits("code.address=3/1h"))
    credential = mailed(graphql)
    for given in (
        by_code("made-up", WRONG),
        {"linkToken": "made-up"},
        by_code(requested(graphql, "x@example.com"), WRONG),
    ):
        assert codes(signed_in(graphql, given)) in (["INVALID_CHALLENGE"], ["INVALID_CODE"])

    with nothing_changes():
        for given in (credential, {"linkToken": "made-up"}):
            assert codes(signed_in(graphql, given)) == ["RATE_LIMITED"]
    at(NEW)
    assert signed_in(graphql, credential)["errors"] == []


def test_known_and_unknown_addresses_are_limited_alike(graphql, at, settings):
    """S1: asking, and guessing."""
    rates = rate_limits("mail.account_address=2/1h,code.account_address=3/1h")
    settings.LATCHKEY = replace(latchkey(), rate_limits=rates)
    make_account(email=EMAIL, email_verified=True)

    def outcomes(email: str) -> list[list[str]]:
        tokens = [requested(graphql, email) for _ in range(2)]
        refused = graphql(REQUEST, input={"email": email}).data["requestLoginCode"]
        return [codes(refused), *(codes(signed_in(graphql, by_code(token, WRONG))) for token in tokens * 3)]

    assert outcomes(EMAIL) == outcomes("unknown@example.com")


def test_the_limits_do_not_tell_that_the_holder_signed_in(graphql, at):
    """S1: guesses at codes that the sign-in ended count as those at codes for an unknown address."""
    make_account(email=EMAIL, email_verified=True)

    def outcomes(email: str) -> list[list[str]]:
        at(NEW)
        tokens = [requested(graphql, email) for _ in range(3)]
        at(HOME)
        if email == EMAIL:
            assert signed_in(graphql, mailed(graphql))["errors"] == []
        at(NEW)
        return [codes(signed_in(graphql, by_code(token, WRONG))) for token in tokens for _ in range(4)]

    assert outcomes(EMAIL) == outcomes("unknown@example.com") == [["INVALID_CODE"]] * 10 + [["RATE_LIMITED"]] * 2


def test_a_flood_of_guesses_does_not_use_up_the_holders(graphql, ada, at):
    """S53, with the default limits: what cannot hit counts on no account, and what can needs a mail for each five.

    The holder signs in where the account was never seen.
    """
    at(NEW)
    credential = mailed(graphql)
    other, _secret = make_client()
    for number in range(9):
        at(elsewhere(number))
        token = requested(graphql)
        for guess in range(12):
            at(elsewhere(12 * number + guess))
            for client_id in ("web", other.client_id):
                signed_in(graphql, by_code(token, WRONG), clientId=client_id)

    at(NEW)
    assert signed_in(graphql, credential)["errors"] == []


def test_a_flood_of_mails_does_not_stop_the_holder_at_home(graphql, ada, at):
    """S53: an address from which the account was signed in lately has attempts of its own."""
    given = {"email": EMAIL, "password": PASSWORD}
    assert graphql(TOKEN_AUTH, input=given).data["tokenAuth"]["errors"] == []
    for number in range(12):
        at(elsewhere(number))
        asked(graphql)
    assert asked(graphql) == ["RATE_LIMITED"]

    at(HOME)
    assert asked(graphql) == []
    assert Mail.objects.count() == 11


@pytest.mark.parametrize("half", ["code", "link"])
def test_signing_in_by_mail_makes_the_address_known(graphql, ada, at, half):
    """S53: as a password does. Asking, or failing, does not."""
    credential = mailed(graphql)
    signed_in(graphql, by_code(credential["code"]["challengeToken"], WRONG))
    at(NEW)
    if half == "link":
        credential = {"linkToken": link_token(EMAIL, Purpose.SIGN_IN)}
    assert signed_in(graphql, credential)["errors"] == []
    for number in range(12):
        at(elsewhere(number))
        asked(graphql)

    at(NEW)
    assert asked(graphql) == []
    at(HOME)
    assert asked(graphql) == ["RATE_LIMITED"]


def test_a_refused_request_mails_nothing(graphql, at):
    """S52: and is recorded, once a minute."""
    cache.clear()  # of other tests' refusals
    for _ in range(5):
        requested(graphql)

    with nothing_changes():
        assert [asked(graphql) for _ in range(3)] == [["RATE_LIMITED"]] * 3
    assert SecurityEvent.objects.get(type="account:mail:failure").count == 1

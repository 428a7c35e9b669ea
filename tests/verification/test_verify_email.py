"""`verifyEmail`: the mailed link or code confirms the address, and signs nobody in."""

import pytest

from accounts.guard.events import EventType
from accounts.guard.models import SecurityEvent
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from accounts.tokens.models import Session
from accounts.verification.models import PendingRegistration
from tests.api import ME, PASSWORD, TOKEN_AUTH, codes, refusals
from tests.factories import make_account
from tests.mails import link_token, queued, typed_code
from tests.providers.stored import nothing_changes
from tests.verification import calls
from tests.verification.calls import ADDRESS, NEW

TOKEN, NEW_PASSWORD, CHALLENGE = ["link", "token"], ["link", "newPassword"], ["link", "challengeToken"]


@pytest.fixture
def bearer(register) -> str:
    """Ada's access token, once she has registered; confirmation is optional."""
    return str(register()["tokens"]["accessToken"])


def code() -> str:
    """The last one mailed to Ada."""
    return typed_code(ADDRESS, Purpose.VERIFY)


def link() -> str:
    """The token of the last link mailed to Ada."""
    return link_token(ADDRESS, Purpose.VERIFY)


def test_the_code_confirms_the_address_of_who_is_signed_in(bearer, type_in, graphql):
    """What was set before stays, and the session goes on."""
    payload = type_in(code(), bearer=bearer)

    assert payload["errors"] == []
    assert payload["account"]["emailVerified"] is True
    account = Account.objects.get()
    assert account.email_verified and account.check_password(PASSWORD)
    assert graphql(ME, token=bearer).data["me"]
    event = SecurityEvent.objects.get(type=EventType.EMAIL_VERIFIED)
    assert (event.subject, event.actor, event.client) == (account.pk, account.pk, "web")


def test_a_typed_code_needs_the_bearer(graphql, bearer):
    """S85: it is short, and anybody could try it at every account."""
    with nothing_changes():
        answer = graphql(calls.VERIFY, input={"code": code()})
    assert answer.codes == ["UNAUTHENTICATED"]


def test_a_wrong_code_is_refused_and_counted(bearer, type_in):
    """S71: five guesses, and none at the right one after them."""
    for _ in range(5):
        assert refusals(type_in("BCDF-GHJK", bearer=bearer)) == [("INVALID_CODE", ["code"])]

    assert refusals(type_in(code(), bearer=bearer)) == [("EXPIRED_CODE", ["code"])]
    assert not Account.objects.get().email_verified
    failed = SecurityEvent.objects.filter(type=EventType.EMAIL_VERIFICATION_FAILED)
    assert set(failed.values_list("subject", flat=True)) == {Account.objects.get().pk}


def test_the_code_of_another_account_is_refused(bearer, type_in, register, sign_in):
    """A code is good for its own account."""
    register(email="eve@example.com", username="eve")
    right = typed_code("eve@example.com", Purpose.VERIFY)

    assert codes(type_in(right, bearer=bearer)) == ["INVALID_CODE"]
    assert not Account.objects.filter(email_verified=True).exists()


def test_codes_are_limited_by_account(bearer, type_in, settings):
    """S52: before any is looked at."""
    calls.limit(settings, "code.account=1/1h")
    type_in("BCDF-GHJK", bearer=bearer)

    with nothing_changes():
        assert codes(type_in(code(), bearer=bearer)) == ["RATE_LIMITED"]


def test_the_link_with_the_bearer_confirms(bearer, press, graphql):
    """The registration was one's own: nothing else changes."""
    payload = press(link(), bearer=bearer)

    assert (payload["errors"], payload["account"]["emailVerified"]) == ([], True)
    assert Account.objects.get().check_password(PASSWORD)
    assert graphql(ME, token=bearer).data["me"]


@pytest.mark.parametrize("signed_in_as_another", [False, True])
def test_the_link_alone_needs_a_new_password(bearer, press, sign_in, signed_in_as_another):
    """S85: nothing is used up, and nothing recorded, as nothing was tried."""
    other = sign_in(make_account()).access_token if signed_in_as_another else None
    right = link()
    SecurityEvent.objects.all().expire()

    with nothing_changes():
        assert refusals(press(right, bearer=other)) == [("REQUIRED", NEW_PASSWORD)]
    assert not SecurityEvent.objects.exists()


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("short", "PASSWORD_TOO_SHORT"),
        ("plumtree window " * 65, "PASSWORD_TOO_LONG"),
        ("qwerty123456789", "PASSWORD_TOO_COMMON"),
        (ADDRESS, "PASSWORD_TOO_SIMILAR"),
        (f"{NEW}\0", "INVALID_INPUT"),
        ("correct1correct1", "PASSWORD_TOO_WEAK"),
    ],
)
@pytest.mark.parametrize("policy", ["optional", "mandatory"])
def test_a_weak_new_password_is_refused(register, press, settings, policy, password, expected):
    """Also for a registration that waits. Nothing is used up."""
    calls.with_settings(settings, email_verification=policy)
    register()
    calls.with_settings(settings, password_min_strength=2 if expected == "PASSWORD_TOO_WEAK" else 0)

    with nothing_changes():
        assert refusals(press(link(), newPassword=password)) == [(expected, NEW_PASSWORD)]


def test_a_new_password_hands_the_account_over(bearer, press, graphql):
    """S85: its holder has proved the mailbox; the old password and the old session open nothing, and nobody is in."""
    payload = press(link(), newPassword=NEW)

    assert payload == {"account": None, "errors": []}
    assert graphql(ME, token=bearer).status == 401
    assert not Session.objects.exists()
    found = [codes(sign_in_with(graphql, password)) for password in (PASSWORD, NEW)]
    assert found == [["INVALID_CREDENTIALS"], []]
    assert Account.objects.get().email_verified


def sign_in_with(graphql, password):
    """The payload of Ada's sign-in."""
    return graphql(TOKEN_AUTH, input={"email": ADDRESS, "password": password}).data["tokenAuth"]


@pytest.mark.parametrize("with_bearer", [True, False])
def test_pressing_twice_is_told(bearer, press, with_bearer):
    """The first press has done it; the second one spends nothing."""
    right = link()
    given = {"bearer": bearer} if with_bearer else {"newPassword": NEW}
    assert press(right, **given)["errors"] == []

    with nothing_changes():
        assert refusals(press(right, **given)) == [("EXPIRED_CODE", TOKEN)]


@pytest.mark.parametrize("forged", ["", "x", "é", "=" * 64, "A" * 64])
def test_a_forged_link_is_refused(bearer, press, forged):
    """S8."""
    with nothing_changes():
        assert refusals(press(forged, newPassword=NEW)) == [("INVALID_CODE", TOKEN)]


def test_a_link_of_another_journey_is_refused(bearer, press):
    """S8: each counts for its own purpose."""
    account = Account.objects.get()
    MailedCode.objects.update(purpose=Purpose.RESET)
    right = link_token(account.email, Purpose.RESET)

    with nothing_changes():
        assert codes(press(right, newPassword=NEW)) == ["INVALID_CODE"]


def test_guesses_at_links_are_limited(bearer, press, settings):
    """S52: by the address they come from."""
    calls.limit(settings, "code.address=1/1h")
    settings.TRUSTED_PROXIES = ["198.51.100.1"]
    press("forged", newPassword=NEW)

    with nothing_changes():
        assert codes(press(link(), newPassword=NEW)) == ["RATE_LIMITED"]


@pytest.mark.parametrize(
    "changes",
    [{"email_verified": True}, {"is_active": False}, {"email": "moved@example.com"}, {"is_staff": True}],
)
def test_a_link_to_what_needs_none_has_expired(bearer, press, changes):
    """Verified, disabled, or moved to another mailbox; and nobody hands staff accounts over."""
    right = link()
    Account.objects.update(**changes)

    with nothing_changes():
        for more in ({}, {"newPassword": NEW}):
            assert refusals(press(right, **more)) == [("EXPIRED_CODE", TOKEN)]


def test_staff_confirm_their_address_signed_in(bearer, press):
    """With the account's Bearer token."""
    Account.objects.update(is_staff=True)

    assert press(link(), bearer=bearer)["errors"] == []


class TestRegistrationsThatWait:
    """Where confirmation is mandatory."""

    pytestmark = pytest.mark.usefixtures("mandatory")

    @pytest.fixture
    def challenge(self, register) -> str:
        """Its token."""
        return str(register()["challenge"]["token"])

    def test_the_challenge_shows_that_it_is_ones_own(self, challenge, press, answer, graphql):
        """The password stays; the code and the challenge are gone with the registration."""
        typed = code()
        payload = press(link(), challengeToken=challenge)

        assert payload == {"account": None, "errors": []}
        assert codes(sign_in_with(graphql, PASSWORD)) == []
        assert codes(answer(challenge, typed)) == ["INVALID_CHALLENGE"]
        assert not PendingRegistration.objects.exists() and not Mail.objects.exists()

    def test_without_it_a_new_password_is_needed(self, challenge, press, graphql):
        """S85: with it, the account is created, and opens with that password only."""
        right = link()
        with nothing_changes():
            assert refusals(press(right)) == [("REQUIRED", NEW_PASSWORD)]

        assert press(right, newPassword=NEW) == {"account": None, "errors": []}
        found = [codes(sign_in_with(graphql, password)) for password in (PASSWORD, NEW)]
        assert found == [["INVALID_CREDENTIALS"], []]

    def test_another_registrations_challenge_is_refused(self, challenge, press, register):
        """S85: of whoever registered the same address too."""
        right = link()
        others = register(username="eve")["challenge"]["token"]

        for token in (others, "x" * 43):
            assert refusals(press(right, challengeToken=token, newPassword=NEW)) == [("INVALID_CHALLENGE", CHALLENGE)]
        assert not Account.objects.exists()

    @pytest.mark.parametrize("proof", ["challengeToken", "newPassword"])
    def test_a_username_that_was_taken_meanwhile_gets_digits(self, challenge, press, proof):
        """There is no input to choose another: its holder can change it later."""
        make_account(username="ADA")
        press(link(), **{proof: challenge if proof == "challengeToken" else NEW})

        assert Account.objects.get(email=ADDRESS).username.startswith("ada-")

    @pytest.mark.parametrize("username", ["علي٢", "राम१२", "ada２", "阿達𝟏"])
    def test_the_digits_are_of_the_set_that_the_username_has(self, register, press, username):
        """A name must not mix two sets of digits."""
        register(username=username)
        make_account(username=username)

        assert press(link(), newPassword=NEW)["errors"] == []
        assert Account.objects.get(email=ADDRESS).username.startswith(f"{username}-")

    @pytest.mark.parametrize("proof", ["challengeToken", "newPassword"])
    def test_an_address_that_was_taken_meanwhile_has_nothing_to_confirm(self, challenge, press, proof):
        """Another registration of it was faster."""
        make_account(email=ADDRESS)

        with nothing_changes(*([] if proof == "newPassword" else [challenge_model()])):
            given = {proof: challenge if proof == "challengeToken" else NEW}
            assert refusals(press(link(), **given)) == [("EXPIRED_CODE", TOKEN)]

    def test_the_code_of_a_taken_address_was_never_mailed(self, register):
        """S61: its holder learns that somebody tried, and gets nothing to press."""
        make_account(email=ADDRESS)
        register(username="eve")

        assert queued(ADDRESS) == ["already_registered"]
        assert Mail.objects.get().code is None


def challenge_model():
    """Its attempts are counted."""
    from accounts.challenges.models import Challenge

    return Challenge

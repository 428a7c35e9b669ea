"""What journeys that are not about factors do with them (S77, S85, S87)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from social_django.models import UserSocialAuth

from accounts.conf import latchkey
from accounts.factors.models import FactorReset, Passkey, RecoveryCodes, RememberedBrowser, Totp
from accounts.mails import notices
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.models import AuthenticationMethod, Session
from tests.addresses.conftest import CONFIRM, REQUEST, UNDO
from tests.api import CONVERT, LINK, PASSWORD, TOKEN_AUTH, codes
from tests.factories import make_account
from tests.factors.test_totp import set_up
from tests.mails import link_token
from tests.passwords import mailed
from tests.passwords.mailed import NEW
from tests.reauthentication.test_sensitive import document
from tests.verification.calls import VERIFY

ADDRESS = "ada@example.com"
NEW_ADDRESS = "countess@example.com"
RESEND = "mutation ($input: ResendVerificationInput!) { resendVerification(input: $input) { errors { code } } }"
REQUEST_LOGIN = "mutation ($input: RequestLoginCodeInput!) { requestLoginCode(input: $input) { errors { code } } }"
BY_MAIL = "mutation ($input: TokenAuthWithCodeInput!) { tokenAuthWithCode(input: $input) { errors { code } } }"
CANCEL_DELETION = (
    "mutation ($input: CancelAccountDeletionInput!) { cancelAccountDeletion(input: $input) { errors { code } } }"
)
TABLES = (Totp, RecoveryCodes, Passkey, RememberedBrowser, FactorReset)
LONG_AGO = timedelta(days=30)


def plant(account: Account, *, ago: timedelta = timedelta(0)) -> None:
    """Give the account one of each, so long ago."""
    at = timezone.now() - ago
    set_up(account)
    RecoveryCodes.objects.create(account=account, key="", digests=["x"])
    Passkey.objects.create(
        account=account,
        credential_id=str(at),
        public_key=b"",
        can_sign_in=True,
        backup_eligible=False,
        backed_up=False,
    )
    RememberedBrowser.objects.create(digest=str(at), account=account, expires_at=timezone.now() + LONG_AGO)
    for model in (Totp, RecoveryCodes, Passkey, RememberedBrowser):
        model.objects.filter(account=account).update(created_at=at)
    FactorReset.objects.create(account=account, reason="lost", effective_at=timezone.now() + LONG_AGO)


def left() -> list[str]:
    """The tables that hold something."""
    return [table.__name__ for table in TABLES if table.objects.exists()]


@pytest.fixture
def ada(db: None) -> Account:
    """Somebody whose address is verified."""
    return make_account(email=ADDRESS, email_verified=True)


@pytest.fixture
def sign_in_with(graphql):
    """Show a password: the codes of the payload."""

    def send(password: str) -> list[str]:
        given = {"email": ADDRESS, "password": password}
        return codes(graphql(TOKEN_AUTH, input=given).data["tokenAuth"])

    return send


@pytest.mark.parametrize("way", [mailed.by_link, mailed.by_code])
def test_a_reset_is_no_way_around_the_factor(graphql, ada, sign_in_with, way):
    """S11, S77: it replaces the first factor. Remembered browsers are asked again."""
    plant(ada)

    assert mailed.reset(graphql, way(graphql, ADDRESS))["errors"] == []

    assert left() == ["Totp", "RecoveryCodes", "Passkey", "FactorReset"]
    assert sign_in_with(NEW) == ["MFA_REQUIRED"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("how", ["reset", "login code", "verification link", "provider"])
def test_whoever_first_proves_the_address_wipes_what_stood_there(graphql, providers, settings, how):
    """S85, S87, S9, sixth attack: the factors that a squatter has set up do not lock the holder out."""
    settings.LATCHKEY = replace(latchkey(), sign_in_by_mail=True)
    squatted = make_account(email=ADDRESS)
    plant(squatted)

    match how:
        case "reset":
            payload = mailed.reset(graphql, mailed.by_link(graphql, ADDRESS))
        case "login code":
            graphql(REQUEST_LOGIN, input={"email": ADDRESS})
            given = {"credential": {"linkToken": link_token(ADDRESS, Purpose.SIGN_IN)}}
            payload = graphql(BY_MAIL, input=given).data["tokenAuthWithCode"]
        case "verification link":
            graphql(RESEND, input={"email": ADDRESS})
            given = {"link": {"token": link_token(ADDRESS, Purpose.VERIFY), "newPassword": NEW}}
            payload = graphql(VERIFY, input=given).data["verifyEmail"]
        case _:
            given = {"provider": "google", "credential": {"accessToken": providers.google_token(email=ADDRESS)}}
            payload = graphql(CONVERT, input=given).data["convertSocialToken"]

    assert payload["errors"] == []
    assert left() == []


def secure(graphql: Any, account: Account) -> Any:
    """With the link of a notice that was mailed just now."""
    notices.tell(account, Template.NEW_DEVICE)
    return mailed.secure(graphql, link_token(account.email, Purpose.SECURE))


def undo(graphql: Any, account: Account) -> Any:
    """A change of the address that was made just now, by whoever has both factors."""
    methods = (AuthenticationMethod.PASSWORD, AuthenticationMethod.TOTP)
    grant = bearer_tokens.authorize_client()
    tokens = bearer_tokens.issue(
        account=Account.objects.get(), grant=grant, caller=Caller(), methods=methods, second_factor=True
    )
    token = tokens.access_token
    assert codes(graphql(REQUEST, token=token, input={"newEmail": NEW_ADDRESS}).data["requestEmailChange"]) == []
    given = {"token": link_token(NEW_ADDRESS, Purpose.CHANGE_EMAIL)}
    assert codes(graphql(CONFIRM, token=token, input=given).data["confirmEmailChange"]) == []
    return graphql(UNDO, input={"token": link_token(ADDRESS, Purpose.UNDO_EMAIL_CHANGE)}).data["undoEmailChange"]


@pytest.mark.parametrize("press", [secure, undo])
def test_this_was_not_me_leaves_the_holders_factors(graphql, ada, sign_in_with, press):
    """S77: those from before. The mailbox alone does not open the account; a pending reset is withdrawn."""
    plant(ada, ago=LONG_AGO)

    assert press(graphql, ada)["errors"] == []
    assert left() == ["Totp", "RecoveryCodes", "Passkey"]

    assert mailed.reset(graphql, {"linkToken": link_token(ADDRESS, Purpose.RESET)})["errors"] == []
    assert sign_in_with(NEW) == ["MFA_REQUIRED"]


@pytest.mark.parametrize("press", [secure, undo])
def test_this_was_not_me_takes_back_what_was_added(graphql, ada, sign_in_with, press):
    """S9: a thief's factors do not lock the holder out."""
    notices.tell(ada, Template.PASSWORD_CHANGED)
    plant(ada)

    assert press(graphql, ada)["errors"] == []
    assert left() == []

    assert mailed.reset(graphql, {"linkToken": link_token(ADDRESS, Purpose.RESET)})["errors"] == []
    assert sign_in_with(NEW) == []


def test_a_deletion_that_is_undone_leaves_the_factors(graphql, ada, sign_in, sign_in_with, settings):
    """Whoever comes back within the grace period shows one."""
    settings.LATCHKEY = replace(latchkey(), deletion_grace_days=30)
    token = sign_in(ada).access_token
    assert codes(graphql(document("deleteAccount"), token=token, input={}).data["deleteAccount"]) == []
    plant(ada)

    given = {"token": link_token(ADDRESS, Purpose.CANCEL_DELETION)}
    assert graphql(CANCEL_DELETION, input=given).data["cancelAccountDeletion"]["errors"] == []

    assert sign_in_with(PASSWORD) == ["MFA_REQUIRED"]


def test_a_deletion_takes_the_factors_along(graphql, ada, sign_in):
    """Nothing is left of them."""
    token = sign_in(ada).access_token
    plant(ada)
    Session.objects.update(factor_proved_at=timezone.now())

    assert codes(graphql(document("deleteAccount"), token=token, input={}).data["deleteAccount"]) == []
    assert left() == []


def test_a_linked_provider_is_no_way_around_the_factor(graphql, ada, sign_in, providers):
    """S77: to link one takes both factors, and to sign in with it the second one."""
    token = sign_in(ada).access_token
    set_up(ada)
    fresh = {"provider": "google", "credential": {"accessToken": providers.google_token()}}

    def link() -> list[str]:
        return codes(graphql(LINK, token=token, input={"source": {"credential": fresh}}).data["linkSocialAccount"])

    assert link() == ["REAUTHENTICATION_REQUIRED"]
    assert not UserSocialAuth.objects.exists()
    Session.objects.update(factor_proved_at=timezone.now())
    assert link() == []
    fresh = {"provider": "google", "credential": {"accessToken": providers.google_token()}}
    assert codes(graphql(CONVERT, input=fresh).data["convertSocialToken"]) == ["MFA_REQUIRED"]

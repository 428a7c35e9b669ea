"""From a proven identity to the account that it belongs to."""

import logging
from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from social_core.exceptions import AuthAssociationError, SocialAuthBaseException
from social_django.models import UserSocialAuth

from accounts.exceptions import AccountDisabled, AccountsError, AlreadyLinked, ValidationFailed
from accounts.models import Account
from accounts.social.base import Claims, VerifyingBackend
from accounts.social.registry import backend_for
from accounts.social.sign_up import AddressTaken, Incomplete, Profile
from accounts.social.verification import Identity
from accounts.validators import canonical_email

log = logging.getLogger("accounts.social")

PIPELINE = [
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    "social_core.pipeline.social_auth.social_user",
    "accounts.social.sign_up.create_account",
    "social_core.pipeline.social_auth.associate_user",
]
"""Not `associate_by_email` (S31), and not `load_extra_data`, which stores the provider's tokens (S15)."""


@dataclass(frozen=True, kw_only=True)
class Identified:
    """Who it is, and whether the account was made just now."""

    account: Account
    is_new: bool


def identify(identity: Identity, *, profile: Profile | None = None, answered: bool = False) -> Identified:
    """The account of the person; at first sight a new one.

    `profile` holds hints, or what was answered when it was asked for. Raises ProviderUnknown, ProviderRejected,
    AccountDisabled, AddressTaken, Incomplete; ValidationFailed for an answer.
    """
    backend = backend_for(identity.provider)
    try:
        return _account_of(backend, identity.claims, profile or Profile(), answered=answered)
    except SocialAuthBaseException as error:
        raise backend.rejected(error.code) from error
    except (AccountsError, AddressTaken, Incomplete) as refusal:
        log.info("%s refused: %s", backend.name, _cause(refusal))
        raise


def _cause(refusal: Exception) -> str:
    match refusal:
        case AddressTaken():
            return "address taken" if refusal.account else "address taken, and not verified"
        case Incomplete():
            return f"without {', '.join(refusal.missing)}"
        case AccountsError():
            return str([(failure.code, *(failure.field or ())) for failure in refusal.failures])
    return type(refusal).__name__


def _account_of(backend: VerifyingBackend, claims: Claims, profile: Profile, *, answered: bool) -> Identified:
    try:
        return _run_pipeline(backend, claims, profile, answered=answered)
    except (IntegrityError, AuthAssociationError, AddressTaken, ValidationFailed):
        # Perhaps another first sign-in of the same person won a race since we looked: then it is found now.
        return _run_pipeline(backend, claims, profile, answered=answered)


@transaction.atomic
def _run_pipeline(backend: VerifyingBackend, claims: Claims, profile: Profile, *, answered: bool) -> Identified:
    # Never for somebody who is signed in already: the pipeline would link the identity to them (S25).
    outcome = backend.run_pipeline(PIPELINE, response=asdict(claims), user=None, profile=profile, answered=answered)
    if not isinstance(outcome, dict) or not isinstance(outcome.get("user"), Account):
        raise TypeError("The pipeline did not end with an account.")
    account: Account = outcome["user"]
    if not account.is_active:
        raise AccountDisabled
    remember_use(outcome["social"], account, claims)
    return Identified(account=account, is_new=outcome["is_new"])


def link(identity: Identity, *, account: Account) -> UserSocialAuth:
    """Make the identity a way in to this account, whose row is locked.

    Raises AlreadyLinked, ProviderUnknown, ProviderRejected.
    """
    backend = backend_for(identity.provider)
    response = asdict(identity.claims)
    if not backend.auth_allowed(response, backend.get_user_details(response)):
        raise backend.rejected("not on the list of those allowed")
    linked, _created = UserSocialAuth.objects.get_or_create(
        provider=identity.provider,
        uid=identity.claims.sub,
        defaults={"user": account, "id_key": backend.id_key()},
    )
    if linked.user_id != account.pk:
        raise AlreadyLinked
    remember_use(linked, account, identity.claims)
    return linked


def remember_use(social: UserSocialAuth, account: Account, claims: Claims) -> None:
    """When, and the address that the provider told; nothing that opens anything (S15).

    An address that the provider has verified, and that is the account's, is now shown to be its holder's.
    Raises IntegrityError if the identity was unlinked just now.
    """
    social.extra_data = {"email": claims.email, "last_used_at": timezone.now().isoformat()}
    if not UserSocialAuth.objects.filter(pk=social.pk).update(extra_data=social.extra_data):
        raise IntegrityError("unlinked")
    if claims.email_verified and not account.email_verified and canonical_email(claims.email) == account.email:
        account.email_verified = True
        account.save(update_fields=["email_verified"])

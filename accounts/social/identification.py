"""From a proven identity to the account that it belongs to."""

import logging
import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from social_core.exceptions import AuthAssociationError, SocialAuthBaseException
from social_django.models import UserSocialAuth

from accounts.errors import AccountsError, ValidationFailed
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.texts import canonical_email
from accounts.social import refusals
from accounts.social.claims import Claims
from accounts.social.errors import AlreadyLinked
from accounts.social.pipeline import PipelineBackend
from accounts.social.providers.registry import provider_named
from accounts.social.sign_up import AddressTaken, Incomplete, Profile, Unconfirmed
from accounts.social.verification import Identity
from accounts.verification.pending import is_mandatory
from accounts.verification.sending import mail_new

log = logging.getLogger("accounts.social")

CREDENTIAL = ("credential",)


@dataclass(frozen=True, kw_only=True)
class Identified:
    """The account of an identity, and whether it was created just now."""

    account: Account
    is_new: bool


Outcome = Identified | AddressTaken | Incomplete | Unconfirmed


def identify(
    identity: Identity, *, profile: Profile | None = None, answered: bool = False, client_key: int | None = None
) -> Outcome:
    """Find the account of this identity, or create one; the other outcomes say what prevents it.

    `profile` holds hints, or the answer to a ProfileChallenge. The links of a mail to a new account open the front end
    of the client with `client_key`. Raises ProviderUnknown, ProviderRejected, AccountDisabled, RegistrationClosed;
    ValidationFailed for an answer.
    """
    name = provider_named(identity.provider).name
    try:
        outcome = _account_of(name, identity.claims, profile or Profile(), answered=answered, client_key=client_key)
    except SocialAuthBaseException as error:
        raise refusals.rejected(name, error.code, field=CREDENTIAL) from error
    except AccountsError as refusal:
        causes = [(failure.code, *(failure.field or ())) for failure in refusal.failures]
        log.info("%s refused: %s", name, causes)
        raise
    match outcome:
        case AddressTaken():
            log.info("%s refused: address taken%s", name, "" if outcome.account else ", and not verified")
        case Incomplete():
            log.info("%s refused: without %s", name, ", ".join(outcome.missing))
        case Unconfirmed():
            log.info("%s refused: address not confirmed", name)
    return outcome


def holder_of(identity: Identity | None) -> uuid.UUID | None:
    """The account that a refused sign-in was about; `identity` is None if the provider has confirmed none.

    It is the account that the identity is linked to, else the one with the address, if the provider has verified it.
    """
    if identity is None:
        return None
    linked = UserSocialAuth.objects.filter(provider=identity.provider, uid=identity.claims.sub)
    if holder := linked.values_list("user", flat=True).first():
        return holder
    if not identity.claims.email_verified:
        return None
    return Account.objects.filter(email=canonical_email(identity.claims.email)).values_list("pk", flat=True).first()


def _account_of(provider: str, claims: Claims, profile: Profile, *, answered: bool, client_key: int | None) -> Outcome:
    # A concurrent first sign-in of the same person may have won a race: then the next run finds its account. And the
    # account that had the address may have been deleted just now: then there can be such a race after that.
    was_taken = False
    for _attempt in range(2):
        try:
            outcome = _run_pipeline(provider, claims, profile, answered=answered, client_key=client_key)
            if was_taken or not isinstance(outcome, AddressTaken):
                return outcome
            was_taken = True
        except (IntegrityError, AuthAssociationError, ValidationFailed):
            pass
    return _run_pipeline(provider, claims, profile, answered=answered, client_key=client_key)


@transaction.atomic
def _run_pipeline(
    provider: str, claims: Claims, profile: Profile, *, answered: bool, client_key: int | None
) -> Outcome:
    result = PipelineBackend(provider).run(claims, profile=profile, answered=answered)
    if isinstance(result, AddressTaken | Incomplete | Unconfirmed):
        return result
    if not isinstance(result, dict) or not isinstance(result.get("user"), Account):
        raise TypeError("The pipeline did not end with an account.")
    account: Account = result["user"]
    if not account.is_active:
        raise AccountDisabled
    remember_use(result["social"], account, claims)
    if result["is_new"]:
        events.record(EventType.REGISTERED, subject=account.pk, actor=account.pk, cause=provider)
        if not account.email_verified:
            mail_new(account, client_key=client_key)
    if is_mandatory() and not account.email_verified:
        return Unconfirmed(account=account)
    return Identified(account=account, is_new=result["is_new"])


def link(identity: Identity, *, account: Account) -> UserSocialAuth:
    """Make the identity a way to sign in to this account, whose row is locked, and record it if it was none.

    Raises AlreadyLinked, ProviderUnknown, ProviderRejected.
    """
    linked, created = attach(identity, account=account)
    if created:
        events.record(EventType.LINKED, subject=account.pk, cause=identity.provider)
    return linked


def attach(identity: Identity, *, account: Account) -> tuple[UserSocialAuth, bool]:
    """The row that links the identity to this account, and whether it is new.

    Raises AlreadyLinked, ProviderUnknown, ProviderRejected.
    """
    backend = PipelineBackend(provider_named(identity.provider).name)
    if not backend.allows(identity.claims):
        raise refusals.rejected(backend.name, "not on the list of allowed addresses", field=CREDENTIAL)
    linked, created = UserSocialAuth.objects.get_or_create(
        provider=identity.provider,
        uid=identity.claims.sub,
        defaults={"user": account, "id_key": backend.id_key()},
    )
    if linked.user_id != account.pk:
        raise AlreadyLinked
    remember_use(linked, account, identity.claims)
    return linked, created


def remember_use(social: UserSocialAuth, account: Account, claims: Claims) -> None:
    """Record time and e-mail address of this sign-in, never tokens (S15).

    If the provider has verified the account's own address, the account's address counts as verified from now on.
    Raises IntegrityError if the identity was unlinked just now.
    """
    proves = claims.email_verified and not account.email_verified and canonical_email(claims.email) == account.email
    if proves:
        # Before the identity, as `hand_over` locks them: they would wait for each other otherwise.
        Account.objects.select_for_update(no_key=True).filter(pk=account.pk).first()
    social.extra_data = {"email": claims.email, "last_used_at": timezone.now().isoformat()}
    if not UserSocialAuth.objects.filter(pk=social.pk).update(extra_data=social.extra_data):
        raise IntegrityError("unlinked")
    if proves:
        account.email_verified = True
        account.save(update_fields=["email_verified"])

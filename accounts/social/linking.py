"""Links identities to the signed-in account, and unlinks them."""

import uuid
from contextlib import AbstractContextManager

from django.db import transaction

from accounts.challenges import steps as challenges
from accounts.errors import AccountsError, InvalidChallenge
from accounts.guard import events, limits
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.social import links, revocation
from accounts.social.challenges import LINK, identity_of
from accounts.social.confirmation import is_linked
from accounts.social.errors import ProviderRejected, ProviderUnknown
from accounts.social.identification import link
from accounts.social.links import LinkedIdentity
from accounts.social.signals import social_signed_in
from accounts.social.verification import Identity, Presented, verify
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer
from accounts.tokens.proof import require_recent_proof

FRESH = ("source", "credential")
TICKET = ("source",)


def link_by_credential(*, bearer: Bearer, provider: str, credential: Presented, caller: Caller) -> LinkedIdentity:
    """Link the identity that a fresh credential proves.

    That credential is no proof of the account's holder: it may be anybody's. Raises what `verify` raises,
    AlreadyLinked, ReauthenticationRequired, RateLimited; InvalidToken.
    """
    with _recorded(EventType.LINK_FAILED, bearer):
        require_recent_proof(bearer)
        try:
            with _attempt(Action.CONVERT, bearer, caller):
                identity, answer = verify(
                    provider=provider, credential=credential, client=bearer.client_id, account=bearer.account
                )
                with transaction.atomic():
                    linked = _link(identity, bearer_tokens.locked_account(bearer), bearer)
        except AccountsError as error:
            raise error.below(*FRESH) from None
    social_signed_in.send_robust(sender=Account, account=bearer.account, provider=identity.provider, answer=answer)
    return linked


def link_by_challenge(*, bearer: Bearer, challenge_token: str, caller: Caller) -> LinkedIdentity:
    """Link the identity of a LinkChallenge, for the account and the client that it was created for only (S70).

    Raises InvalidChallenge, AlreadyLinked, ReauthenticationRequired, RateLimited; InvalidToken.
    """
    with _recorded(EventType.LINK_FAILED, bearer):
        require_recent_proof(bearer)
        try:
            with _attempt(Action.CHALLENGE, bearer, caller):
                return _link_by_challenge(bearer, challenge_token)
        except (ProviderUnknown, ProviderRejected):
            # The provider was switched off in the meantime, or its lists exclude this person now.
            raise InvalidChallenge(field=(*TICKET, "challenge_token")) from None
        except AccountsError as error:
            raise error.below(*TICKET) from None


def _link_by_challenge(bearer: Bearer, challenge_token: str) -> LinkedIdentity:
    challenge = challenges.attempt(challenge_token, LINK)
    if challenge.account_id != bearer.account.pk or challenge.client_id != bearer.client_id:
        raise InvalidChallenge(field=("challenge_token",))
    with transaction.atomic():
        account = bearer_tokens.locked_account(bearer)
        challenges.finish(challenge)
        return _link(identity_of(challenge), account, bearer)


def _link(identity: Identity, account: Account, bearer: Bearer) -> LinkedIdentity:
    """Link the identity to the account, whose row is locked, and tell its holder, unless it is linked already."""
    is_new = not is_linked(identity, account=account)
    linked = LinkedIdentity.of(link(identity, account=account))
    if is_new:
        notices.tell(account, Template.SOCIAL_LINKED, client_key=bearer.client_id, provider=linked.label)
    return linked


def unlink(*, bearer: Bearer, identity: uuid.UUID | None, caller: Caller, apple_code: str = "") -> None:
    """Unlink an identity; None stands for a malformed id.

    With a fresh code of Apple, Apple is told first; if it does not confirm, nothing is unlinked.

    Raises NotFound, also for another account's; LastSignInMethod; ReauthenticationRequired; InvalidToken; with a code
    also what `revoke_at_apple` raises.
    """
    with _recorded(EventType.UNLINK_FAILED, bearer):
        require_recent_proof(bearer)
        if apple_code:
            # Before Apple is told, because what follows would fail too.
            row = links.removable(identity, account=bearer.account)
            revocation.revoke_at_apple(apple_code, bearer=bearer, identities=[row], caller=caller)
        with transaction.atomic():
            account = bearer_tokens.locked_account(bearer)
            unlinked = links.unlink(identity, account=account)
            notices.tell(account, Template.SOCIAL_UNLINKED, client_key=bearer.client_id, provider=unlinked.label)


def _recorded(type_: EventType, bearer: Bearer) -> AbstractContextManager[None]:
    return events.failures(type_, subject=lambda: bearer.account.pk)


def _attempt(action: Action, bearer: Bearer, caller: Caller) -> AbstractContextManager[None]:
    return limits.attempt(action, account=str(bearer.account.pk), caller=caller, client=bearer.client_name)

"""Add a passkey to an account."""

from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.factors import webauthn
from accounts.factors.errors import PasskeyRejected
from accounts.factors.models import Passkey
from accounts.factors.passkeys import passkeys_of
from accounts.factors.webauthn import Ceremony
from accounts.guard import events, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.mfa import enrolling
from accounts.passkeys import naming
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens.api import Bearer
from accounts.tokens.models import AuthenticationMethod

MOST_PASSKEYS = 20
"""Of an account."""
TOO_MANY = _("You have as many passkeys as an account can have. Remove one first.")


@dataclass(frozen=True, kw_only=True)
class Added:
    """The outcome of adding a passkey."""

    passkey: Passkey
    account: Account
    recovery_codes: list[str] = field(repr=False)
    """Of the first factor; empty otherwise."""


def begin(*, bearer: Bearer | None, challenge_token: str, automatic: bool, caller: Caller) -> Ceremony:
    """Options for a new passkey, for the holder of the session or of the MfaEnrollmentChallenge.

    Raises PasskeyRejected if there are MOST_PASSKEYS; InvalidChallenge, RateLimited for a challenge; for a session
    ReauthenticationRequired, EmailVerificationRequired, InvalidToken.
    """
    with enrolling.changing(bearer, caller) as subject:
        enroller = enrolling.enroller(bearer, challenge_token, caller)
        subject(enroller.account)
        with transaction.atomic():
            account = enrolling.locked(enroller).account
            _check_room(account)
            return webauthn.begin_registration(
                account,
                bound_to=enroller.bound_to,
                by_challenge=enroller.challenge is not None,
                automatic=automatic,
            )


def add(*, bearer: Bearer | None, token: str, response: object, name: str, caller: Caller) -> Added:
    """Store the passkey of this answer, and tell the holder, who gets recovery codes with a first factor.

    A name is made up if there is none. Raises InvalidChallenge, PasskeyRejected, TooLong, RateLimited; for a session
    ReauthenticationRequired, EmailVerificationRequired, InvalidToken.
    """
    with enrolling.changing(bearer, caller) as subject:
        name = naming.cleaned(name)
        with limits.attempt(Action.FACTOR, caller=caller):
            enroller = enrolling.by_session(bearer) if bearer else enrolling.bound_to(webauthn.enrollment_of(token))
            subject(enroller.account)
            with origin.acting(client=enroller.client_name, caller=caller), transaction.atomic():
                locked = enrolling.locked(enroller)
                account = locked.account
                _check_room(account)
                passkey = webauthn.verify_registration(
                    token,
                    response,
                    account=account,
                    bound_to=enroller.bound_to,
                    name=name or naming.made_up(account),
                )
                codes = enrolling.was_set_up(enroller, locked, AuthenticationMethod.PASSKEY)
                events.record(EventType.PASSKEY_ADDED, subject=account.pk, actor=account.pk)
                notices.tell(account, Template.PASSKEY_ADDED, client_key=enroller.client_key, name=passkey.name)
                return Added(passkey=passkey, account=account, recovery_codes=codes)


def _check_room(account: Account) -> None:
    if passkeys_of(account).count() >= MOST_PASSKEYS:
        raise PasskeyRejected(cause="too many", message=TOO_MANY)

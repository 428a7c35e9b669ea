"""Registrations that wait until their address is confirmed, outside the accounts (S3, S61)."""

import unicodedata
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.challenges import steps
from accounts.conf import EmailVerification, latchkey
from accounts.errors import ValidationFailed
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.mails import codes, queue
from accounts.mails.models import MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.people.errors import UsernameTaken
from accounts.people.forms import AccountForm, store, validated
from accounts.people.models import Account
from accounts.shared.sweeping import Rows, delete, sweep_dead
from accounts.tokens.api import ClientGrant
from accounts.verification.challenge import FACTOR_BY, VERIFY_EMAIL, EmailVerificationChallenge
from accounts.verification.errors import EmailVerificationRequired
from accounts.verification.models import PendingRegistration
from accounts.verification.signals import registration_confirmed

REGISTRATION = "registration"
"""The key of a registration in the data of its challenge."""
LONGEST_KEPT = 100
"""Characters of a taken username that are kept in front of digits."""


def is_mandatory() -> bool:
    """Whether signing in waits for the confirmation of the address."""
    return latchkey().email_verification is EmailVerification.MANDATORY


@transaction.atomic
def begin(
    account: Account, *, grant: ClientGrant, identity: dict[str, Any] | None = None, factor_by: str = ""
) -> EmailVerificationRequired:
    """Store a registration, and queue its mail. Returns the failure with its challenge, for the caller to raise.

    `account` is validated and not stored, its password hashed; whether its address is taken was not looked up. The
    holder of a taken address is told, and nobody else: the rows and statements are those of a new one (S3, S61).
    `identity` is the one to link, in JSON; `factor_by` names the provider that says it has asked for a second factor.
    Call within an attempt of Action.MAIL.
    """
    lifetime = latchkey().email_verification_lifetime
    now = timezone.now()
    registration = PendingRegistration.objects.create(
        email=account.email,
        username=account.username,
        first_name=account.first_name,
        last_name=account.last_name,
        password=account.password,
        locale=account.locale,
        identity=identity,
        created_at=now,
        expires_at=now + timedelta(seconds=lifetime),
    )
    code = codes.create(
        Purpose.VERIFY,
        email=account.email,
        registration_key=registration.pk,
        client_key=grant.client.pk,
        lifetime=lifetime,
    )
    data = {REGISTRATION: str(registration.pk), FACTOR_BY: factor_by}
    token = steps.create(VERIFY_EMAIL, grant=grant, data=data, lifetime=lifetime)
    _queue_mail(registration, code, client_key=grant.client.pk)
    return EmailVerificationRequired(EmailVerificationChallenge(token=token, expires_in=lifetime, email=account.email))


def _queue_mail(registration: PendingRegistration, code: MailedCode, *, client_key: int) -> None:
    # Locked, so that it is not deleted before the mail is stored.
    holder = Account.objects.select_for_update(no_key=True).filter(email=registration.email).first()
    if holder is None:
        queue.put(
            Template.VERIFY_EMAIL,
            email=registration.email,
            locale=registration.locale,
            client_key=client_key,
            code=code,
        )
    else:
        queue.put(
            Template.ALREADY_REGISTERED if holder.is_active else Template.NOTHING,
            email=registration.email,
            locale=holder.locale,
            account=holder,
            client_key=client_key,
        )


def complete(registration: PendingRegistration, *, encoded: str = "", other_username: bool = False) -> Account:
    """Create the account of a registration: with its password and its identity.

    With `encoded`, the hash of a new password, neither of them opens it: then nothing has shown that the registration
    was that of the mailbox's holder (S85). With `other_username`, digits follow a username that is taken by now.

    Call in the transaction that uses up its code, its row locked. Raises ValidationFailed with EmailTaken or
    UsernameTaken if another account has them by now; InvalidChallenge if the identity cannot be linked any more.
    """
    password = encoded or registration.password
    try:
        account = _created(registration, username=registration.username, password=password)
    except ValidationFailed as failed:
        if not other_username or [type(failure) for failure in failed.failures] != [UsernameTaken]:
            raise
        account = _created(registration, username=_with_digits(registration.username), password=password)
    identity = None if encoded else registration.identity
    cause = identity["provider"] if identity else ""
    events.record(EventType.REGISTERED, subject=account.pk, actor=account.pk, cause=cause)
    events.record(EventType.EMAIL_VERIFIED, subject=account.pk, actor=account.pk)
    if identity:
        registration_confirmed.send(sender=Account, account=account, identity=identity)
    registration.delete()
    return account


def _with_digits(username: str) -> str:
    """The username with random digits behind it, in the set of digits that it has: a name must not mix two sets."""
    kept = username[:LONGEST_KEPT]
    zero = next((ord(c) - unicodedata.decimal(c) for c in kept if c.isdecimal()), ord("0"))
    digits = "".join(map(chr, range(zero, zero + 10)))
    return f"{kept}-{get_random_string(6, digits)}"


def _created(registration: PendingRegistration, *, username: str, password: str) -> Account:
    form = AccountForm(
        {
            "email": registration.email,
            "username": username,
            "first_name": registration.first_name,
            "last_name": registration.last_name,
        }
    )
    try:
        account = validated(form, email_verified=True)
        account.locale, account.password = registration.locale, password
        return store(form, account)
    except ValidationFailed as failed:
        for failure in failed.failures:
            # It is a field of the registration, not of this call's input.
            failure.field = None
        raise


def clear_expired() -> int:
    """Delete expired registrations, with their codes and mails; returns the number of registrations."""
    now = timezone.now()
    return sweep_dead(
        PendingRegistration, lambda part: part.of(PendingRegistration).filter(expires_at__lte=now), _discard
    )


def _discard(of: Rows, registrations: Rows) -> int:
    """As `codes.discard`."""
    of_them = MailedCode.objects.filter(registration__in=registrations)
    codes.discard(of_them, of_them)
    return delete(of, registrations.filter(~Exists(MailedCode.objects.filter(registration=OuterRef("pk")))))

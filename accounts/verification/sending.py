"""Mails that confirm the address of an account."""

from django.db import transaction

from accounts.challenges import steps
from accounts.conf import EmailVerification, latchkey
from accounts.mails.holders import mail_code
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.tokens.api import ClientGrant
from accounts.tokens.models import AuthenticationMethod
from accounts.verification.challenge import EPOCH, FACTOR_BY, METHODS, VERIFY_EMAIL, EmailVerificationChallenge
from accounts.verification.errors import EmailVerificationRequired


def mail_new(account: Account, *, client_key: int | None) -> None:
    """Queue the mail to the unverified address of a new account, unless no new address is confirmed here.

    Call in the transaction that creates the account.
    """
    if latchkey().email_verification is not EmailVerification.NONE:
        _queue_mail(account, client_key)


@transaction.atomic
def challenge(
    account: Account, *, grant: ClientGrant, methods: tuple[AuthenticationMethod, ...], factor_by: str = ""
) -> EmailVerificationRequired:
    """Queue the mail to the account signing in, which has shown these methods.

    `factor_by` names the provider that says it has asked for a second factor.

    Returns the failure with its challenge, for the caller to raise.

    Call within an attempt of Action.MAIL. Raises AccountDisabled if the account was disabled or deleted meanwhile.
    """
    # Locked, so that it is not deleted before its code is stored.
    if not Account.objects.select_for_update(no_key=True).filter(pk=account.pk, is_active=True).first():
        raise AccountDisabled
    _queue_mail(account, grant.client.pk)
    lifetime = latchkey().email_verification_lifetime
    data = {EPOCH: account.session_epoch, METHODS: list(methods), FACTOR_BY: factor_by}
    token = steps.create(VERIFY_EMAIL, grant=grant, data=data, account=account, lifetime=lifetime)
    return EmailVerificationRequired(EmailVerificationChallenge(token=token, expires_in=lifetime, email=account.email))


def _queue_mail(account: Account, client_key: int | None) -> None:
    lifetime = latchkey().email_verification_lifetime
    mail_code(account, Template.VERIFY_EMAIL, Purpose.VERIFY, client_key=client_key, lifetime=lifetime)

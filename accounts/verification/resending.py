"""Mail the link and the code once more."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.conf import EmailVerification, latchkey
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import codes, queue
from accounts.mails.locale import of_request
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.people.named import named_address
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.verification.models import PendingRegistration


def resend_verification(*, email: str, client_id: str | None, caller: Caller) -> None:
    """Mail the newest registration with this address, or its unverified account; without either, nobody.

    Whichever it is, the answer and the statements are the same (S61). Raises Required, InvalidInput, InvalidClient,
    RateLimited.
    """
    address = named_address(email)
    client = bearer_tokens.known_client(client_id)
    with (
        attempt(Action.MAIL, EventType.MAIL_REFUSED, address=address, caller=caller, client=client.client_id),
        transaction.atomic(),
    ):
        _queue_mail(address, client.pk)


def _queue_mail(address: str, client_key: int) -> None:
    now = timezone.now()
    # Locked, so that neither is deleted before its code is stored.
    account = Account.objects.select_for_update(no_key=True).filter(email=address).first()
    waiting = PendingRegistration.objects.select_for_update(no_key=True).filter(email=address, expires_at__gt=now)
    registration = waiting.order_by("-created_at", "-pk").first()
    ends_at, locale = now + timedelta(seconds=latchkey().email_verification_lifetime), of_request()
    if latchkey().email_verification is EmailVerification.NONE:
        account = registration = None
    elif account is not None:
        registration, locale = None, account.locale
        if account.email_verified or not account.is_active:
            account = None
    elif registration is not None:
        # The code ends with the registration.
        ends_at, locale = registration.expires_at, registration.locale
    code = codes.create(
        Purpose.VERIFY,
        email=address,
        account=account,
        registration_key=registration.pk if registration else None,
        client_key=client_key,
        lifetime=round((ends_at - now).total_seconds()),
    )
    queue.put(
        Template.VERIFY_EMAIL if account or registration else Template.NOTHING,
        email=address,
        locale=locale,
        account=account,
        client_key=client_key,
        code=code,
    )

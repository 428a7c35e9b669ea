"""Requests of strangers for a mailed code, whether the address they name has an account or not."""

from django.db import transaction

from accounts.challenges import mailed
from accounts.challenges.mailed import Requested
from accounts.conf import latchkey
from accounts.guard import events
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import locale, queue
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.people.named import named_address
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens


def request_code(
    purpose: Purpose, template: Template, event: EventType, *, email: str, client_id: str | None, caller: Caller
) -> Requested:
    """Mail a code and a link for this purpose to the account of the address, if it opens by mail.

    An unknown address gets a mail that says so. A closed account gets none. The answer and the statements are the same
    for all of them (S1, S2, S11). Raises Required, InvalidInput, InvalidClient, RateLimited.
    """
    client = bearer_tokens.known_client(client_id)
    address = named_address(email)
    with (
        attempt(Action.MAIL, EventType.MAIL_REFUSED, address=address, caller=caller, client=client.client_id),
        transaction.atomic(),
    ):
        # Locked, so that it is not deleted before the code is stored.
        found = Account.objects.select_for_update(no_key=True).filter(email=address).first()
        account = found if found and found.opens_by_mail else None
        sent = template if account else Template.NOTHING if found else Template.UNKNOWN_ADDRESS
        code, requested = mailed.create(
            purpose,
            email=address,
            account=account,
            client_key=client.pk,
            lifetime=latchkey().mailed_code_lifetime,
        )
        queue.put(
            sent,
            email=address,
            locale=found.locale if found else locale.of_request(),
            account=account,
            client_key=client.pk,
            code=code,
            data={"asked_for": purpose} if sent is Template.UNKNOWN_ADDRESS else {},
        )
        events.record(
            event,
            subject=found.pk if found else None,
            client=client.client_id,
            caller=caller,
            # It tells operators, and the holder, why no code came.
            cause="" if account else sent,
        )
    return requested

"""Ask for a mail that signs in."""

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


def request_login_code(*, email: str, client_id: str | None, caller: Caller) -> Requested:
    """Mail a code and a link that sign in to the account of this address, if it has one.

    An unknown address gets a mail that offers to sign up. A closed account gets none. The answer and the statements are
    the same for all of them (S1, S2). Raises Required, InvalidInput, InvalidClient, RateLimited.
    """
    client = bearer_tokens.known_client(client_id)
    address = named_address(email)
    with (
        attempt(Action.MAIL, EventType.MAIL_REFUSED, address=address, caller=caller, client=client.client_id),
        transaction.atomic(),
    ):
        # Locked, so that it is not deleted before the code is stored.
        found = Account.objects.select_for_update(no_key=True).filter(email=address).first()
        template = _template_for(found)
        account = found if template is Template.SIGN_IN else None
        code, requested = mailed.create(
            Purpose.SIGN_IN,
            email=address,
            account=account,
            client_key=client.pk,
            lifetime=latchkey().mailed_code_lifetime,
        )
        queue.put(
            template,
            email=address,
            locale=found.locale if found else locale.of_request(),
            account=account,
            client_key=client.pk,
            code=code,
            data={"asked_for": Purpose.SIGN_IN} if template is Template.UNKNOWN_ADDRESS else {},
        )
        # `cause` tells operators, and the holder, why no code came.
        events.record(
            EventType.LOGIN_CODE_REQUESTED,
            subject=found.pk if found else None,
            client=client.client_id,
            caller=caller,
            cause="" if account else template,
        )
    return requested


def _template_for(account: Account | None) -> Template:
    if account is None:
        return Template.UNKNOWN_ADDRESS
    return Template.SIGN_IN if account.opens_by_mail else Template.NOTHING

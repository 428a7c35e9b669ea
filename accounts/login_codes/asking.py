"""Ask for a mail that signs in."""

from accounts.challenges.mailed import Requested
from accounts.challenges.requests import request_code
from accounts.guard.events import EventType
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.shared.caller import Caller


def request_login_code(*, email: str, client_id: str | None, caller: Caller) -> Requested:
    """Mail a code and a link that sign in to the account of this address, if it has one. Raises as `request_code`."""
    return request_code(
        Purpose.SIGN_IN,
        Template.SIGN_IN,
        EventType.LOGIN_CODE_REQUESTED,
        email=email,
        client_id=client_id,
        caller=caller,
    )

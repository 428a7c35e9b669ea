"""Choose a password with a mailed code or link: a new one, or the first one."""

from accounts.conf import latchkey
from accounts.mails import codes, queue
from accounts.mails.models import Purpose
from accounts.mails.templates import Template
from accounts.people.models import Account


def mail_reset(account: Account, client_key: int | None) -> None:
    """Queue a link for choosing a password, in the current transaction, to the address that the account has now.

    For journeys that take the password away. Nobody has asked for a code here, so there is no token that a typed one
    could come with: the link alone works.
    """
    code = codes.create(
        Purpose.RESET,
        email=account.email,
        account=account,
        client_key=client_key,
        lifetime=latchkey().mailed_code_lifetime,
    )
    queue.put(
        Template.RESET_PASSWORD,
        email=account.email,
        locale=account.locale,
        account=account,
        client_key=client_key,
        code=code,
    )

"""Sign in with e-mail and password."""

import contextlib

from django.contrib.auth import authenticate

from accounts import bearer_tokens
from accounts.bearer_tokens import ClientGrant, TokenSet
from accounts.caller import Caller
from accounts.conf import latchkey
from accounts.exceptions import AccountDisabled, InvalidCredentials
from accounts.models import Account
from accounts.validators import canonical_email


def token_auth(*, email: str, password: str, grant: ClientGrant, caller: Caller) -> tuple[Account, TokenSet]:
    """The account and its first tokens.

    Raises InvalidCredentials, the same for whatever is wrong and after the same work (S1, S2): Django hashes the
    password for unknown addresses and for accounts without one too.
    """
    # Neither can belong to an account; PostgreSQL has no NUL in text, and hashing megabytes is an attack.
    if "\0" in email or len(password.encode()) > latchkey().password_max_bytes:
        raise InvalidCredentials
    for _attempt in range(2):
        account = authenticate(username=canonical_email(email), password=password)
        if not isinstance(account, Account):
            break
        # Refused if the row has changed since it was read. Perhaps only its hash was renewed by another sign-in: look
        # again.
        with contextlib.suppress(AccountDisabled):
            return account, bearer_tokens.issue(account=account, grant=grant, caller=caller)
    raise InvalidCredentials

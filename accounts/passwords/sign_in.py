"""Sign in with e-mail and password."""

import contextlib
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.passwords.errors import InvalidCredentials
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.shared.texts import canonical_email, is_overlong
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant, TokenSet
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import AuthenticationMethod


class PasswordBackend(ModelBackend):
    """Django's backend, for `tokenAuth` and the admin site. Every refusal costs the same work (S2)."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Account | None:
        """The active account with this address and password. For a missing one, an empty account is checked instead."""
        account = Account.objects.filter(email=canonical_email(username or ""), is_active=True).first() or Account()
        return account if account.check_password(password) else None


def token_auth(*, email: str, password: str, grant: ClientGrant, caller: Caller) -> tuple[Account, TokenSet]:
    """Check the password and issue the first tokens.

    Raises InvalidCredentials for every cause alike, after the same work (S1, S2).
    """
    # No account can match either: PostgreSQL text cannot hold NUL, and hashing megabytes would exhaust the CPU.
    if "\0" in email or is_overlong(password):
        raise InvalidCredentials
    for _attempt in range(2):
        account = authenticate(username=canonical_email(email), password=password)
        if not isinstance(account, Account):
            break
        # InvalidGrant: the password may have changed since the check, so check once more.
        with contextlib.suppress(InvalidGrant, AccountDisabled):
            return account, bearer_tokens.issue(
                account=account, grant=grant, caller=caller, methods=(AuthenticationMethod.PASSWORD,)
            )
    raise InvalidCredentials

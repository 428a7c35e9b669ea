"""Sign in with e-mail and password."""

import contextlib
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.db import router
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.challenges.errors import ChallengeRequired
from accounts.guard import events, hashing
from accounts.guard.errors import RateLimited
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mfa.admin_sign_in import step_after_password
from accounts.passwords.errors import InvalidCredentials
from accounts.people.attempts import attempt
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared import metrics
from accounts.shared.caller import Caller
from accounts.shared.statements import Select, columns, parameter
from accounts.shared.texts import canonical_email, is_overlong
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant, TokenSet
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import AuthenticationMethod
from accounts.verification.pending import is_mandatory

ADMINISTRATION = "administration"
"""The method of signing in to the administration, in the metrics."""


class PasswordBackend(ModelBackend):
    """Django's backend, for `tokenAuth` and the admin site. Every refusal costs the same work (S2)."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Account | None:
        """The active account with this address and password.

        An attempt with a request, as the admin site makes, is limited and recorded here, together with those of
        `tokenAuth` for the same address. Raises PermissionDenied over the limit, which Django's forms show as a wrong
        password. Without a request, raises RateLimited if too many others hash.
        """
        if username is None or password is None:
            return None
        address = canonical_email(username)
        try:
            if request is None:
                return _verified(address, password, confirmed_only=is_mandatory())
            with attempt(
                Action.SIGN_IN,
                EventType.SIGN_IN_FAILED,
                address=address,
                caller=Caller.of(request.META),
                method=ADMINISTRATION,
            ):
                # Whoever enters the administration was made by others.
                account = _verified(address, password, confirmed_only=False)
                if step := step_after_password(account):
                    raise step
                return account
        except ChallengeRequired:
            # The password was right. What follows is the page's, which `SignInView` opens.
            return account
        except InvalidCredentials:
            return None
        except RateLimited:
            if request is None:
                raise
            raise PermissionDenied from None


def _verified(address: str, password: str, *, confirmed_only: bool) -> Account:
    """The active account with this address and password. For a missing one, an empty account is checked instead.

    With `confirmed_only`, an account whose address is not verified counts as missing, so that it costs the same (S2).
    Raises InvalidCredentials; RateLimited if too many others hash.
    """
    # No account can match either: PostgreSQL text cannot hold NUL, and hashing megabytes would exhaust the CPU.
    if "\0" in address or is_overlong(password):
        raise InvalidCredentials
    account = _active(address)
    if account is None or (confirmed_only and not account.email_verified):
        account = Account()
    with hashing.slot():
        if account.check_password(password):
            return account
    raise InvalidCredentials


def _active(address: str) -> Account | None:
    row = _by_address.first(email=address)
    return Account.from_db(router.db_for_read(Account), ACCOUNT_FIELDS, row) if row else None


@receiver(user_logged_in)
def record_cookie_sign_in(request: HttpRequest, user: Account, **_signal: Any) -> None:
    """Record a sign-in to the admin site. Those that end in tokens are recorded by `issue`."""
    events.record(EventType.SIGNED_IN, subject=user.pk, actor=user.pk, caller=Caller.of(request.META))
    metrics.SIGN_INS.labels(ADMINISTRATION, metrics.OK).inc()


def token_auth(*, email: str, password: str, grant: ClientGrant, caller: Caller) -> tuple[Account, TokenSet]:
    """Check the password and issue the first tokens.

    Raises InvalidCredentials for every cause alike, after the same work (S1, S2); RateLimited.
    """
    address = canonical_email(email)
    end_user, client = grant.end_user(caller), grant.client.client_id
    with attempt(
        Action.SIGN_IN,
        EventType.SIGN_IN_FAILED,
        address=address,
        caller=end_user,
        client=client,
        method=AuthenticationMethod.PASSWORD,
    ):
        for _attempt in range(2):
            account = authenticate(username=address, password=password)
            if not isinstance(account, Account):
                break
            # InvalidGrant: the password may have changed since the check, so check once more.
            with contextlib.suppress(InvalidGrant, AccountDisabled):
                return account, bearer_tokens.issue(
                    account=account, grant=grant, caller=caller, methods=(AuthenticationMethod.PASSWORD,)
                )
        raise InvalidCredentials


ACCOUNT_FIELDS = columns(Account)

_by_address = Select(
    Account,
    lambda: Account.objects.filter(email=parameter(Account, "email"), is_active=True).values_list(*ACCOUNT_FIELDS),
)

"""Change one's own password, or set the first one."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import password_changed
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import Required, ValidationFailed
from accounts.guard import events, hashing, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import notices
from accounts.mails.templates import Template
from accounts.passwords.errors import InvalidCredentials
from accounts.passwords.forms import password_failures
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.shared.texts import is_overlong
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer
from accounts.tokens.proof import require_recent_factor, require_recent_proof
from accounts.tokens.sessions import live_session_of

CURRENT, NEW = ("current_password",), ("new_password",)
WRONG = _("This is not your current password.")


def change_password(*, bearer: Bearer, current: str | None, new: str, caller: Caller) -> Account:
    """Set a new password, and end every session of the account except the bearer's (S10); returns the account.

    `current` is the present password, or None if the account has none: then the session needs a recent proof. With a
    second factor on, the session needs a recent one in either case (S88).

    Raises ValidationFailed with the failures of the input; InvalidCredentials; ReauthenticationRequired; RateLimited;
    InvalidToken if the session has ended meanwhile.
    """
    account, client = bearer.account, bearer.client_name
    # First, and unlimited: it proves nothing, and a weak new password must not use up attempts at the present one.
    failures = password_failures(new, account, field=NEW)
    if account.has_usable_password() and current is None:
        failures = (Required(field=CURRENT), *failures)
    if failures:
        raise ValidationFailed(failures)
    key = account.pk
    with (
        origin.acting(key),
        events.failures(EventType.PASSWORD_CHANGE_FAILED, subject=lambda: key, client=client, caller=caller),
    ):
        if current is None:
            require_recent_proof(bearer)
        else:
            # Before the password is looked at: a stolen session is no place to guess it.
            require_recent_factor(bearer)
        with limits.attempt(Action.CHANGE_PASSWORD, account=account.email, caller=caller, client=client):
            return _change(bearer, current, new)


def _change(bearer: Bearer, current: str | None, new: str) -> Account:
    account, encoded = bearer.account, ""
    for _attempt in range(2):
        # Hash outside the transaction, which holds the account's lock.
        with hashing.slot():
            if not _is_proved(account, current):
                break
            encoded = encoded or make_password(new)
        with transaction.atomic():
            locked = bearer_tokens.locked_account(bearer)
            if locked.password == account.password:
                return _store(bearer, locked, encoded, new)
        # The password was changed since it was checked, or its hash renewed: check once more.
        account = locked
    raise InvalidCredentials(WRONG, field=CURRENT)


def _is_proved(account: Account, current: str | None) -> bool:
    """Whether this is the account's password. An account without one was proved by its session."""
    if not account.has_usable_password():
        return current is None
    return current is not None and not is_overlong(current) and account.check_password(current)


def _store(bearer: Bearer, account: Account, encoded: str, new: str) -> Account:
    """Store the hash in the account, whose row is locked."""
    session = live_session_of(bearer)
    account.password = encoded
    account.save(update_fields={"password"}, keep_session=session.pk)
    notices.tell(account, Template.PASSWORD_CHANGED, client_key=bearer.client_id)
    # As Django does after `set_password`, for validators that keep a history.
    password_changed(new, account)
    return account

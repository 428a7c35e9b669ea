"""Choose a password with a mailed code or link: a new one, or the first one."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import password_changed
from django.db import transaction
from django.utils import timezone

from accounts.challenges import mailed
from accounts.challenges.mailed import Requested
from accounts.challenges.requests import request_code
from accounts.conf import latchkey
from accounts.errors import InvalidChallenge, InvalidCode, ValidationFailed
from accounts.factors.state import factors_of
from accounts.guard import events, hashing, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import codes, notices
from accounts.mails.errors import ExpiredCode
from accounts.mails.holders import mail_code
from accounts.mails.models import MailedCode, Purpose
from accounts.mails.templates import Template
from accounts.passwords.forms import password_failures
from accounts.people.attempts import attempt
from accounts.people.models import Account
from accounts.shared.caller import Caller

NEW = ("new_password",)
CHALLENGE_TOKEN, CODE, LINK = (
    ("credential", "code", "challenge_token"),
    ("credential", "code", "code"),
    ("credential", "link_token"),
)


def request_password_reset(*, email: str, client_id: str | None, caller: Caller) -> Requested:
    """Mail a link and a code for choosing a password, if the address has an account. Raises as `request_code`."""
    return request_code(
        Purpose.RESET,
        Template.RESET_PASSWORD,
        EventType.RESET_REQUESTED,
        email=email,
        client_id=client_id,
        caller=caller,
    )


def mail_reset(account: Account, client_key: int | None) -> None:
    """Queue a link for choosing a password, in the current transaction, to the address that the account has now.

    For journeys that take the password away. Nobody has asked for a code here, so there is no token that a typed one
    could come with: the link alone works.
    """
    lifetime = latchkey().mailed_code_lifetime
    mail_code(account, Template.RESET_PASSWORD, Purpose.RESET, client_key=client_key, lifetime=lifetime, link_only=True)


def reset_by_code(*, challenge_token: str, typed: str, new: str, caller: Caller) -> None:
    """Set a new password with the mailed code and the token of its request.

    Raises ValidationFailed, InvalidCode, ExpiredCode, RateLimited.
    """
    _require_good(new, Account())
    try:
        code = mailed.find(challenge_token, Purpose.RESET)
    except InvalidChallenge:
        code = None
    # What cannot hit counts on no account, so that nobody uses up its attempts with one dead code (S53).
    address = code.email if code and _can_be_guessed(code) else ""
    # It is right as often as it is sent, until a password is set: that makes the caller's address known.
    with attempt(Action.CODE, EventType.RESET_FAILED, address=address, caller=caller, proves=False):
        if code is None:
            raise InvalidCode(field=CHALLENGE_TOKEN)
        with codes.naming(CODE):
            codes.guess(code, typed)
    # A password that is refused, or a busy service, must not use the code up.
    codes.give_back(code)
    _set(code, new, field=CODE, caller=caller)


def reset_by_link(*, token: str, new: str, caller: Caller) -> None:
    """Set a new password with the token of the mailed link.

    Raises ValidationFailed, InvalidCode, ExpiredCode, RateLimited.
    """
    _require_good(new, Account())
    with attempt(Action.CODE, EventType.RESET_FAILED, address="", caller=caller), codes.naming(LINK):
        code = codes.by_link(token, Purpose.RESET)
    _set(code, new, field=LINK, caller=caller)


def _set(code: MailedCode, new: str, *, field: tuple[str, ...], caller: Caller) -> None:
    """Set the password of the code's account. The code was shown to be right, and is used up only if this succeeds."""
    if code.account is None:
        raise ExpiredCode(field=field)
    # Only now against names and address, which would tell a known address from an unknown one.
    _require_good(new, code.account)
    key = code.account.pk
    with (
        origin.acting(key, caller=caller),
        events.failures(EventType.RESET_FAILED, subject=lambda: key),
    ):
        with hashing.slot():
            encoded = make_password(new)
        with codes.naming(field):
            account = _stored(code, encoded, new)
    # A new password made all addresses strange (S53). This one is the holder's; but where signing in takes a second
    # factor, the mailbox alone must not give more guesses at it.
    if not factors_of(account).enabled:
        limits.remember(account=account.email, caller=caller)


@transaction.atomic
def _stored(code: MailedCode, encoded: str, new: str) -> Account:
    """Use the code up and store the hash; end all sessions, and what else was mailed (S11, S12)."""
    codes.spend(code)
    account = codes.locked_holder(code)
    if not account.opens_by_mail:
        raise ExpiredCode
    if account.email_verified:
        account.password = encoded
        account.save(update_fields={"password"})
    else:
        account.hand_over(encoded=encoded)
    codes.withdraw(account)
    events.record(EventType.RESET, subject=account.pk)
    notices.tell(account, Template.PASSWORD_CHANGED, client_key=code.client_id)
    # As Django does after `set_password`, for validators that keep a history.
    password_changed(new, account)
    return account


def _can_be_guessed(code: MailedCode) -> bool:
    """Also if it was used: see `mailed.address_of`."""
    return code.attempts < latchkey().mailed_code_attempts and code.expires_at > timezone.now()


def _require_good(new: str, account: Account) -> None:
    """Raise ValidationFailed if the account must not have this password."""
    if failures := password_failures(new, account, field=NEW):
        raise ValidationFailed(failures)

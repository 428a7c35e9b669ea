"""Confirm an address with the mailed link or code.

A mailed code or link proves the mailbox. It does not prove who registered: the Bearer token of the account does, or the
challenge of the registration. Without such a proof, what was set before ends (S9, S85, S87).
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.challenges import steps
from accounts.challenges.models import Challenge
from accounts.challenges.transactions import keeping_steps
from accounts.conf import latchkey
from accounts.errors import AccountsError, InvalidChallenge, ValidationFailed
from accounts.guard import events, hashing, limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import codes
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import MailedCode, Purpose
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import Bearer, ClientGrant, TokenSet
from accounts.tokens.models import AuthenticationMethod
from accounts.verification import pending
from accounts.verification.challenge import EPOCH, FACTOR_BY, METHODS, VERIFY_EMAIL
from accounts.verification.models import PendingRegistration

CHALLENGE_TOKEN, CODE = ("challenge_token",), ("code",)
TOKEN = ("link", "token")

PasswordFailures = Callable[[str, Account], tuple[AccountsError, ...]]
"""Finds the failures of a new password of this account. The rooms above know the rules."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A sign-in that waits for the confirmation, and what was granted in its first call."""

    challenge: Challenge
    grant: ClientGrant


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The outcome of a sign-in that waited."""

    account: Account
    tokens: TokenSet
    is_new_account: bool


def waiting_sign_in(challenge_token: str, *, caller: Caller) -> Waiting:
    """Find the pending challenge and count one attempt. Raises InvalidChallenge, RateLimited."""
    with _failures(lambda: None, caller=caller), limits.attempt(Action.CODE, caller=caller):
        challenge = steps.attempt(challenge_token, VERIFY_EMAIL)
        return Waiting(challenge=challenge, grant=steps.grant_of(challenge))


def answer_challenge(waiting: Waiting, *, code: str, caller: Caller) -> Confirmed:
    """Confirm the address with the typed code, and sign in for the client, scope and transport of the first call.

    Raises InvalidChallenge, AccountDisabled, RateLimited; InvalidCode, ExpiredCode and ValidationFailed, after which
    the challenge can be answered again.
    """
    challenge, grant = waiting.challenge, waiting.grant
    client = grant.client.client_id
    # The client is not authenticated in this call: its end-user headers are ignored (S64).
    caller = grant.end_user(caller)
    with origin.acting(client=client, caller=caller), _failures(lambda: challenge.account_id):
        owner = _owner_of(challenge)
        with limits.attempt(Action.CODE, account=owner.email, caller=caller, client=client), codes.naming(CODE):
            mailed = _guessed(owner, code)
            if isinstance(owner, Account) and not owner.is_active:
                raise AccountDisabled
            with keeping_steps():
                account = _completed(mailed) if mailed.registration_id else _mark_verified(mailed)
                if isinstance(owner, Account) and account.session_epoch != challenge.data.get(EPOCH):
                    # Its sessions have ended since the sign-in began, and that ends with them (S82).
                    raise InvalidChallenge(field=CHALLENGE_TOKEN)
                steps.finish(challenge)
                is_new = isinstance(owner, PendingRegistration)
                tokens = bearer_tokens.issue(
                    account=account,
                    grant=grant,
                    caller=caller,
                    methods=_methods(owner, challenge),
                    is_new=is_new,
                    second_factor=challenge.data.get(FACTOR_BY) in latchkey().mfa_trusted_providers,
                )
    return Confirmed(account=account, tokens=tokens, is_new_account=is_new)


def _methods(owner: PendingRegistration | Account, challenge: Challenge) -> tuple[AuthenticationMethod, ...]:
    """What the holder has shown. An account's sign-in has shown something before."""
    if isinstance(owner, Account):
        # A challenge that an earlier release stored has none: it was a sign-in through a provider.
        before = tuple(map(AuthenticationMethod, challenge.data.get(METHODS, [AuthenticationMethod.SOCIAL])))
    else:
        before = (AuthenticationMethod.PASSWORD if owner.identity is None else AuthenticationMethod.SOCIAL,)
    return tuple(dict.fromkeys([*before, AuthenticationMethod.EMAIL_CODE]))


def verify_by_code(*, code: str, bearer: Bearer, caller: Caller) -> Account:
    """Confirm the address of the signed-in account with the typed code.

    Raises InvalidCode, ExpiredCode, RateLimited; InvalidToken if the session has ended meanwhile.
    """
    account = bearer.account
    with (
        _failures(lambda: account.pk, caller=caller, client=bearer.client_name),
        limits.attempt(Action.CODE, account=account.email, caller=caller, client=bearer.client_name),
        codes.naming(CODE),
    ):
        mailed = _guessed(account, code)
        with transaction.atomic():
            bearer_tokens.locked_account(bearer)
            return _mark_verified(mailed)


def verify_by_link(
    *,
    token: str,
    challenge_token: str | None,
    new_password: str | None,
    bearer: Bearer | None,
    password_failures: PasswordFailures,
    caller: Caller,
) -> Account:
    """Confirm the address with the mailed link; returns the account. Signs nobody in.

    The Bearer token of the account, or the challenge of its registration, shows that the registration was one's own.
    Without either, the account gets the new password, and what was set before ends (S85).

    Raises InvalidCode, ExpiredCode, InvalidChallenge, RateLimited; ValidationFailed with the failures of the new
    password. Then nothing is used up.
    """
    client = bearer.client_name if bearer else ""
    found: list[MailedCode] = []
    with (
        origin.acting(client=client, caller=caller),
        _failures(lambda: found[0].account_id if found else None),
        limits.attempt(Action.CODE, caller=caller, client=client),
        _below_link(),
    ):
        code = codes.by_link(token, Purpose.VERIFY)
        found.append(code)
        is_proven = _is_proven(code, bearer, challenge_token)
        account = _account_of(code, is_proven=is_proven)
    encoded = "" if is_proven else _hashed(new_password or "", account, password_failures)
    with (
        origin.acting(client=client, caller=caller),
        _failures(lambda: code.account_id),
        _below_link(),
        transaction.atomic(),
    ):
        if code.registration_id:
            return _completed(code, encoded=encoded, other_username=True)
        return _handed_over(code, encoded) if encoded else _mark_verified(code)


def _hashed(password: str, account: Account, password_failures: PasswordFailures) -> str:
    """The hash of a new password. Raises ValidationFailed.

    Neither limited nor recorded: only a right link gets here.
    """
    if failures := password_failures(password, account):
        raise ValidationFailed(failures)
    with hashing.slot():
        return make_password(password)


def _owner_of(challenge: Challenge) -> PendingRegistration | Account:
    """The registration, or the account, that waits. Raises InvalidChallenge if it is gone."""
    owner: PendingRegistration | Account | None
    if challenge.account_id:
        owner = Account.objects.filter(pk=challenge.account_id).first()
    else:
        owner = PendingRegistration.objects.filter(pk=challenge.data[pending.REGISTRATION]).first()
    if owner is None:
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    return owner


def _guessed(owner: PendingRegistration | Account, typed: str) -> MailedCode:
    """The newest code of the owner, if it is what was typed. Raises InvalidCode, ExpiredCode."""
    if isinstance(owner, PendingRegistration):
        code = codes.newest(Purpose.VERIFY, registration=owner)
    else:
        code = codes.newest(Purpose.VERIFY, account=owner)
    if code is None:
        raise ExpiredCode
    codes.guess(code, typed)
    return code


def _is_proven(code: MailedCode, bearer: Bearer | None, challenge_token: str | None) -> bool:
    """Whether the registration is shown to be one's own. Raises InvalidChallenge for a challenge of another one."""
    if bearer and bearer.account.pk == code.account_id:
        return True
    if not challenge_token:
        return False
    challenge = steps.attempt(challenge_token, VERIFY_EMAIL)
    registration = challenge.data.get(pending.REGISTRATION)
    waits_for = (challenge.account_id, registration and uuid.UUID(registration))
    if waits_for != (code.account_id, code.registration_id):
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    return True


def _account_of(code: MailedCode, *, is_proven: bool) -> Account:
    """The account of a link; if it does not exist yet, one with the profile of its registration, not stored.

    Raises ExpiredCode if there is nothing to confirm.
    """
    if code.registration_id:
        registration = PendingRegistration.objects.filter(pk=code.registration_id).first()
        if registration is None or Account.objects.filter(email=code.email).exists():
            raise ExpiredCode
        names = ("email", "username", "first_name", "last_name")
        return Account(**{name: getattr(registration, name) for name in names})
    account = code.account
    if account is None or account.email_verified or not account.is_active or account.email != code.email:
        raise ExpiredCode
    if not is_proven and (account.is_staff or account.is_superuser):
        # Others made it, and it opens more than itself: it is handed to nobody.
        raise ExpiredCode
    return account


def _mark_verified(code: MailedCode) -> Account:
    account = _unverified_holder(code)
    codes.spend(code)
    account.email_verified = True
    account.save(update_fields=["email_verified"])
    events.record(EventType.EMAIL_VERIFIED, subject=account.pk, actor=account.pk)
    return account


def _handed_over(code: MailedCode, encoded: str) -> Account:
    account = _unverified_holder(code)
    codes.spend(code)
    account.hand_over(encoded=encoded)
    return account


def _unverified_holder(code: MailedCode) -> Account:
    """Lock the account first: two codes of one account would wait for each other otherwise. Raises ExpiredCode."""
    account = codes.locked_holder(code)
    if account.email_verified:
        raise ExpiredCode
    return account


def _completed(code: MailedCode, *, encoded: str = "", other_username: bool = False) -> Account:
    pk = code.registration_id
    registration = pk and PendingRegistration.objects.select_for_update().filter(pk=pk).first()
    if not registration:
        raise ExpiredCode
    codes.spend(code)
    return pending.complete(registration, encoded=encoded, other_username=other_username)


def _failures(
    subject: Callable[[], uuid.UUID | None], *, caller: Caller | None = None, client: str = ""
) -> AbstractContextManager[None]:
    return events.failures(EventType.EMAIL_VERIFICATION_FAILED, subject=subject, caller=caller, client=client)


@contextmanager
def _below_link() -> Iterator[None]:
    """Name the inputs of a link. It has expired if others have the address of its registration by now."""
    try:
        with codes.naming(TOKEN):
            yield
    except InvalidChallenge as failure:
        raise failure.below("link") from None
    except ValidationFailed:
        raise ExpiredCode(field=TOKEN) from None

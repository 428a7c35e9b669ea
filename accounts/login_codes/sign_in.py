"""Sign in with a mailed code, or with the link of the same mail."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from accounts.challenges import mailed
from accounts.challenges.transactions import keeping_steps
from accounts.errors import InvalidChallenge, InvalidCode
from accounts.guard import limits, origin
from accounts.guard.events import EventType
from accounts.guard.limits import Action
from accounts.mails import codes
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import MailedCode, Purpose
from accounts.people.attempts import attempt
from accounts.people.errors import AccountDisabled
from accounts.people.models import Account
from accounts.people.signals import sessions_ending
from accounts.shared.caller import Caller
from accounts.tokens import api as bearer_tokens
from accounts.tokens.api import ClientGrant, TokenSet
from accounts.tokens.errors import InvalidGrant
from accounts.tokens.models import AuthenticationMethod

CODE, LINK = ("credential", "code"), ("credential", "link_token")


def sign_in_by_code(
    *, challenge_token: str, typed: str, grant: ClientGrant, caller: Caller
) -> tuple[Account, TokenSet]:
    """Check what was typed, and issue the first tokens, for the client that asked for the code (S63).

    Raises InvalidChallenge, InvalidCode, ExpiredCode, RateLimited.
    """
    address = mailed.address_of(challenge_token, Purpose.SIGN_IN, client_key=grant.client.pk)
    with _presenting(address, grant, caller, field=(*CODE, "code")):
        try:
            code = mailed.attempt(challenge_token, typed, Purpose.SIGN_IN, client_key=grant.client.pk)
        except InvalidChallenge as error:
            raise error.below(*CODE) from None
        return _signed_in(code, grant, caller)


def sign_in_by_link(*, token: str, grant: ClientGrant, caller: Caller) -> tuple[Account, TokenSet]:
    """Check the link's token, and issue the first tokens, for the client whose front end the link opens (S70).

    No challenge is needed: the mail may be read on another device. Raises InvalidCode, ExpiredCode, RateLimited.
    """
    # It names no account before it is checked, and cannot be guessed.
    with _presenting("", grant, caller, field=LINK):
        code = codes.by_link(token, Purpose.SIGN_IN)
        if code.client_id != grant.client.pk:
            raise InvalidCode
        account, tokens = _signed_in(code, grant, caller)
    limits.remember(account=account.email, caller=grant.end_user(caller))
    return account, tokens


@contextmanager
def _presenting(address: str, grant: ClientGrant, caller: Caller, *, field: tuple[str, ...]) -> Iterator[None]:
    """An attempt that is limited, recorded if it fails, and blamed on this field."""
    end_user, client = grant.end_user(caller), grant.client.client_id
    with (
        origin.acting(client=client, caller=end_user),
        attempt(
            Action.CODE,
            EventType.SIGN_IN_FAILED,
            address=address,
            caller=end_user,
            client=client,
            method=AuthenticationMethod.EMAIL_CODE,
        ),
        codes.naming(field),
    ):
        yield


@keeping_steps()
def _signed_in(code: MailedCode, grant: ClientGrant, caller: Caller) -> tuple[Account, TokenSet]:
    """Use the code up and begin a session. Whoever registered a never-verified account loses it (S85)."""
    codes.spend(code)
    account = codes.locked_holder(code)
    if not account.opens_by_mail:
        raise ExpiredCode
    if not account.email_verified:
        account.hand_over()
    try:
        return account, bearer_tokens.issue(
            account=account, grant=grant, caller=caller, methods=(AuthenticationMethod.EMAIL_CODE,)
        )
    except (InvalidGrant, AccountDisabled):
        # Not while its row is locked; if so, asking for another code is the way on.
        raise ExpiredCode from None


@receiver(sessions_ending)
def withdraw_codes(accounts: list[uuid.UUID], **_signal: Any) -> None:
    """Void the codes that would begin a session: what ended comes back by no older mail (S82)."""
    live = MailedCode.objects.filter(account__in=accounts, purpose=Purpose.SIGN_IN, used_at=None)
    live.update(used_at=timezone.now())

"""Mailed codes whose typed form works only together with the token that the request for them returned (S63)."""

import secrets
import uuid
from dataclasses import dataclass, field

from django.utils import timezone

from accounts.conf import latchkey
from accounts.errors import InvalidChallenge
from accounts.mails import codes
from accounts.mails.models import MailedCode, Purpose
from accounts.people.models import Account
from accounts.shared.single_use import digest_of

CHALLENGE_TOKEN, CODE = ("challenge_token",), ("code",)


@dataclass(frozen=True, kw_only=True)
class Requested:
    """The answer to a request for a code: the same for every address. The duration is in seconds."""

    token: str = field(repr=False)
    expires_in: int


def create(
    purpose: Purpose,
    *,
    email: str,
    lifetime: int,
    account: Account | None,
    client_key: int | None,
) -> tuple[MailedCode, Requested]:
    """Store a code for this address, known or not, and return it with what its requester gets."""
    token = secrets.token_urlsafe(32)
    code = codes.create(
        purpose,
        email=email,
        account=account,
        client_key=client_key,
        challenge_digest=digest_of(token),
        lifetime=lifetime,
    )
    return code, Requested(token=token, expires_in=lifetime)


def attempt(
    token: str, typed: str, purpose: Purpose, *, client_key: int, account: uuid.UUID | None = None
) -> MailedCode:
    """The code of this token, if what was typed is right; counts one attempt, and does not use it up.

    It must be of this client; with `account`, of that account too. Call outside a transaction. Raises InvalidChallenge,
    InvalidCode, ExpiredCode.
    """
    code = find(token, purpose)
    if code.client_id != client_key or (account is not None and code.account_id != account):
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    codes.guess(code, typed)
    return code


def address_of(token: str, purpose: Purpose, *, client_key: int) -> str:
    """The address whose code a guess with this token, by this client, would try; empty if there is nothing to hit.

    For the limits: what cannot hit counts on no account, so that nobody uses up its attempts with one dead code (S53).
    It is the same for addresses without an account (S2). So it does not matter whether the code was used: those of an
    unknown address never are, and its holder's sign-in would tell a known one from it.
    """
    open_ = MailedCode.objects.filter(
        challenge_digest=digest_of(token),
        purpose=purpose,
        client=client_key,
        expires_at__gt=timezone.now(),
        attempts__lt=latchkey().mailed_code_attempts,
    )
    return open_.values_list("email", flat=True).first() or ""


def find(token: str, purpose: Purpose) -> MailedCode:
    """The code of this token, for its address. Raises InvalidChallenge."""
    code = (
        MailedCode.objects.select_related("account").filter(challenge_digest=digest_of(token), purpose=purpose).first()
    )
    if code is None:
        raise InvalidChallenge(field=CHALLENGE_TOKEN)
    return code

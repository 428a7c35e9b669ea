"""Mailed codes and links.

Both are derived from the row's id and purpose with a key when the mail is sent, and again when they come back. So
neither the row nor the queue holds anything usable, and a copy of the database gives no way to try codes (S8, S71,
S86).
"""

import base64
import binascii
import hmac
import string
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db.models import Exists, F, OuterRef
from django.dispatch import receiver
from django.utils import timezone

from accounts.conf import latchkey
from accounts.errors import InvalidCode
from accounts.mails.errors import ExpiredCode
from accounts.mails.models import Mail, MailedCode, Purpose
from accounts.people.models import Account
from accounts.people.signals import handing_over, voiding_additions
from accounts.shared.keys import digests
from accounts.shared.statements import Insert
from accounts.shared.sweeping import Rows, delete, sweep_dead
from accounts.shared.typed_codes import ALPHABET, grouped, normalized

SALT = "accounts.mails.codes"
CODE_LENGTH = 8
ID_BYTES, MAC_BYTES = 16, 32
RESTORING = frozenset({Purpose.UNDO_EMAIL_CHANGE, Purpose.SECURE})
"""Links that give an account back to its holder."""


def create(
    purpose: Purpose,
    *,
    email: str,
    lifetime: int,
    account: Account | None = None,
    registration_key: uuid.UUID | None = None,
    client_key: int | None = None,
    challenge_digest: str | None = None,
    data: dict[str, Any] | None = None,
) -> MailedCode:
    """Store a code for this address; `lifetime` in seconds. One statement."""
    now = timezone.now()
    code = MailedCode(
        purpose=purpose,
        email=email,
        account=account,
        registration_id=registration_key,
        client_id=client_key,
        challenge_digest=challenge_digest,
        data=data or {},
        created_at=now,
        expires_at=now + timedelta(seconds=lifetime),
    )
    _insert.store(code)
    return code


def link_token(code: MailedCode) -> str:
    """The token of the mailed link: the row's id and a MAC over its purpose, in base64url."""
    return base64.urlsafe_b64encode(code.id.bytes + _mac(next(_keys()), "link", code.purpose, code.id)).decode()


def typed_code(code: MailedCode) -> str:
    """The mailed code to type, such as `BCDF-GHJK`."""
    return _typed(next(_keys()), code)


def by_link(token: str, *purposes: Purpose) -> MailedCode:
    """The code of a mailed link that can still be used for one of these purposes. It is not used up by this.

    Raises InvalidCode; ExpiredCode.
    """
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidCode from None
    if len(raw) != ID_BYTES + MAC_BYTES:
        raise InvalidCode
    key, mac = uuid.UUID(bytes=raw[:ID_BYTES]), raw[ID_BYTES:]
    made_for = [
        purpose
        for secret in _keys()
        for purpose in purposes
        if hmac.compare_digest(mac, _mac(secret, "link", purpose, key))
    ]
    if not made_for:
        raise InvalidCode
    code = MailedCode.objects.select_related("account").filter(pk=key, purpose__in=made_for).first()
    # A right link whose row is gone is an old one.
    if code is None or not _is_usable(code):
        raise ExpiredCode
    return code


def guess(code: MailedCode, typed: str) -> None:
    """Compare what was typed with the code, and count one attempt. It is not used up by this.

    Call outside a transaction, so that a rollback cannot refund the attempt. Raises InvalidCode; ExpiredCode for a code
    that is used, too old, or was tried too often.
    """
    tries = MailedCode.objects.filter(pk=code.pk, attempts__lt=latchkey().mailed_code_attempts)
    if not tries.update(attempts=F("attempts") + 1):
        raise ExpiredCode
    given = normalized(typed)
    right = [hmac.compare_digest(given, normalized(_typed(secret, code))) for secret in _keys()]
    if not any(right):
        raise InvalidCode
    if not _is_usable(code):
        raise ExpiredCode


@contextmanager
def naming(field: tuple[str, ...]) -> Iterator[None]:
    """Name the input that holds the code or the link, in a failure of the body."""
    try:
        yield
    except (InvalidCode, ExpiredCode) as failure:
        failure.field = field
        raise


def give_back(code: MailedCode) -> None:
    """Give the attempt of a right guess back, for a journey that may refuse something else and be tried again."""
    MailedCode.objects.filter(pk=code.pk, attempts__gt=0).update(attempts=F("attempts") - 1)


def spend(code: MailedCode) -> None:
    """Use the code up, with all others of its purpose that were mailed to the same address.

    Call in the transaction of what it allows, so that only one of two concurrent uses succeeds. It locks the row of the
    account until that ends. Raises ExpiredCode.
    """
    _lock_owner(code)
    now = timezone.now()
    unused = MailedCode.objects.filter(used_at=None)
    if not unused.filter(pk=code.pk, expires_at__gt=now).update(used_at=now):
        raise ExpiredCode
    if code.account_id or code.registration_id:
        owner = {"account": code.account_id, "registration": code.registration_id}
        unused.filter(purpose=code.purpose, email=code.email, **owner).update(used_at=now)


def locked_holder(code: MailedCode, *, leaving: bool = False) -> Account:
    """Lock the row of the code's account until the transaction ends.

    Raises ExpiredCode if it is gone, disabled, or has another address by now, whose mailbox the code says nothing
    about. With `leaving`, one that is closed for the grace period of its deletion will do. `no_key`: see
    `tokens.bearer.locked_account`.
    """
    holders = Account.objects.filter(pk__in=[code.account_id] if code.account_id else [])
    account = holders.select_for_update(no_key=True).first()
    if account is None or account.email != code.email:
        raise ExpiredCode
    if not (account.is_active or (leaving and account.deletion_due_at)):
        raise ExpiredCode
    return account


def withdraw(account: Account, *purposes: Purpose, since: datetime | None = None) -> int:
    """Use up the account's codes of these purposes, made at or after `since`; returns the number of usable ones.

    Without purposes, of all but RESTORING: whoever has changed the address must not end the links that its former
    holder has. Mails that wait for a withdrawn code are not sent.
    """
    live = MailedCode.objects.filter(account=account, used_at=None, expires_at__gt=timezone.now())
    live = live.filter(purpose__in=purposes) if purposes else live.exclude(purpose__in=RESTORING)
    return (live.filter(created_at__gte=since) if since else live).update(used_at=timezone.now())


def newest(purpose: Purpose, **owner: Any) -> MailedCode | None:
    """The newest code of this purpose that can still be used; `owner` is `account=` or `registration=`."""
    usable = MailedCode.objects.filter(purpose=purpose, used_at=None, expires_at__gt=timezone.now(), **owner)
    return usable.order_by("-created_at", "-pk").first()


def clear_expired() -> int:
    """Delete codes a week after they expired, with their mails; returns the number of codes.

    Until then, a right but old one is told from a wrong one.
    """
    over = timezone.now() - timedelta(days=7)
    return sweep_dead(MailedCode, lambda part: part.of(MailedCode).filter(expires_at__lte=over), discard)


def discard(of: Rows, codes: Rows) -> int:
    """Delete codes with their mails, in a transaction; returns the number of codes. `of` may be more of them.

    None that somebody else holds, nor one whose mail is held: it waits for nobody.
    """
    mails = Mail.objects.filter(code__in=codes)
    delete(mails.order_by(), mails)
    return delete(of, codes.filter(~Exists(Mail.objects.filter(code=OuterRef("pk")))))


def _lock_owner(code: MailedCode) -> None:
    """Lock the account before its codes, as whatever withdraws them does, and a registration's codes in one order.

    Uses of different codes at the same time would else wait for each other.
    """
    if code.account_id:
        Account.objects.select_for_update(no_key=True).filter(pk=code.account_id).values_list("pk").first()
    elif code.registration_id:
        rows = MailedCode.objects.filter(registration=code.registration_id).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))


def _is_usable(code: MailedCode) -> bool:
    return code.used_at is None and code.expires_at > timezone.now() and bool(code.account_id or code.registration_id)


def _keys() -> Iterator[bytes]:
    """The keys; the first makes new codes (S90). Derived, so that no other use of a secret shares them (S71)."""
    return digests(SALT, "key", keys=latchkey().mailed_code_keys)


def _mac(key: bytes, kind: str, purpose: str, id_: uuid.UUID) -> bytes:
    return hmac.digest(key, f"{kind}|{purpose}|{id_}".encode(), sha256)


def _typed(key: bytes, code: MailedCode) -> str:
    """The code under this key. The bias of the remainder is below 2**-200."""
    number = int.from_bytes(_mac(key, "code", code.purpose, code.id), "big")
    digits = latchkey().mailed_code_digits
    alphabet, length = (string.digits, digits) if digits else (ALPHABET, CODE_LENGTH)
    letters = []
    for _position in range(length):
        number, remainder = divmod(number, len(alphabet))
        letters.append(alphabet[remainder])
    text = "".join(letters)
    return text if digits else grouped(text)


@receiver(handing_over)
def withdraw_all(account: Account, **_signal: Any) -> None:
    """Nothing that was mailed before gives the account back to whoever had it."""
    withdraw(account, *Purpose)


@receiver(voiding_additions)
def withdraw_pending(account: Account, **_signal: Any) -> None:
    """Withdraw the codes that were mailed before, except those that restore the account."""
    withdraw(account)


_insert = Insert(MailedCode)

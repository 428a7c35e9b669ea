"""Seals secrets and tokens of second factors: encrypted, under keys of their own (S75).

The first of MFA_KEYS seals, and all of them open (S90).
"""

import base64
import contextlib
import json
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.conf import latchkey
from accounts.shared import clock
from accounts.shared.keys import secret_keys

INFO = b"accounts.factors.sealing"
LONGEST_SEALED = 4096
"""Characters of a token. Ours have a few hundred."""


class CannotOpen(Exception):
    """The text was not sealed here, for this purpose, or with a key that is still known; or it has expired."""


def seal(text: str) -> str:
    """Encrypt a secret for the database."""
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what `seal` made. Raises CannotOpen."""
    try:
        return _fernet().decrypt(sealed).decode()
    except InvalidToken:
        raise CannotOpen from None


def sealed_anew(sealed: str) -> str:
    """The same secret under the first key; unchanged if it is already. Raises CannotOpen."""
    first, *_ = fernets = _fernets()
    with contextlib.suppress(InvalidToken):
        first.decrypt(sealed)
        return sealed
    try:
        return MultiFernet(fernets).rotate(sealed).decode()
    except InvalidToken:
        raise CannotOpen from None


def token(purpose: str, *, lifetime: int, **state: Any) -> str:
    """A token that carries state to a later call, and that its bearer can neither read nor change.

    It holds JSON and expires after `lifetime` seconds. It is not spent by opening it: see `shared.single_use`.
    """
    expires_at = (clock.now() + timedelta(seconds=lifetime)).timestamp()
    return seal(json.dumps({"purpose": purpose, "expires_at": expires_at, **state}, separators=(",", ":")))


def open_token(sealed: str, purpose: str) -> dict[str, Any]:
    """The state of a token of this purpose, with `expires_at` in seconds since 1970. Raises CannotOpen."""
    if len(sealed) > LONGEST_SEALED or not _is_spelled_so(sealed):
        raise CannotOpen
    try:
        state: Any = json.loads(unseal(sealed))
    except ValueError:
        # A secret that was sealed for the database.
        raise CannotOpen from None
    if not isinstance(state, dict) or state.get("purpose") != purpose or state["expires_at"] <= clock.now().timestamp():
        raise CannotOpen
    return state


def _is_spelled_so(sealed: str) -> bool:
    """Whether this is the one spelling of the token. Base64 that is read leniently has many, each to be spent anew."""
    try:
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(sealed)).decode() == sealed
    except ValueError:
        return False


def _fernet() -> MultiFernet:
    return MultiFernet(_fernets())


def _fernets() -> list[Fernet]:
    return [_derived(key) for key in latchkey().mfa_keys or secret_keys()]


def _derived(key: str) -> Fernet:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=INFO)
    return Fernet(base64.urlsafe_b64encode(hkdf.derive(key.encode())))

"""Codes of authenticator apps, which follow from a secret and the time (RFC 6238)."""

import hmac
import logging

import pyotp

from accounts.conf import latchkey
from accounts.factors import sealing
from accounts.factors.errors import wrong_code
from accounts.factors.models import Totp
from accounts.factors.sealing import CannotOpen
from accounts.people.models import Account
from accounts.shared import clock
from accounts.shared.typed_codes import normalized

log = logging.getLogger(__name__)

DRIFT = 1
"""How many steps of 30 seconds the app's clock may be ahead or behind (RFC 6238 §5.2)."""


def new_secret() -> str:
    """A random secret of 160 bits in Base32 (RFC 4226 §4)."""
    return pyotp.random_base32()


def uri(account: Account, secret: str) -> str:
    """The `otpauth:` URI that apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account.email, issuer_name=latchkey().service_name)


def matching_step(secret: str, code: str, *, after: int = -1) -> int | None:
    """The step whose code this is: the present one or one beside it, and later than `after`; None if there is none.

    The latest, should two steps have the same code: an earlier one would let it count again.
    """
    app, typed = pyotp.TOTP(secret), normalized(code)
    now = app.timecode(clock.now())
    steps = range(now - DRIFT, now + DRIFT + 1)
    # All are compared, so that the time tells nothing.
    right = [step for step in steps if hmac.compare_digest(app.generate_otp(step).encode(), typed)]
    return max((step for step in right if step > after), default=None)


def check(account: Account, code: str) -> None:
    """Accept a code of the account's app, once. Raises InvalidCode.

    Call in a transaction that holds the account's lock.
    """
    app = Totp.objects.filter(account=account).first()
    if app is None:
        raise wrong_code()
    try:
        secret = sealing.unseal(app.secret)
    except CannotOpen:
        log.error("an authenticator app's secret cannot be opened: a key is missing from MFA_KEYS")  # noqa: TRY400
        raise wrong_code() from None
    step = matching_step(secret, code, after=app.last_step)
    if step is None:
        raise wrong_code()
    app.last_step, app.last_used_at = step, clock.now()
    # Under the first key, so that older ones run out of use.
    app.secret = sealing.seal(secret)
    app.save(update_fields=["last_step", "last_used_at", "secret"])

"""Accounts with factors, made without the API."""

import pyotp

from accounts.factors import recovery, sealing, totp
from accounts.factors.models import Passkey, Totp
from accounts.people.models import Account


def with_app(account: Account) -> str:
    """Set up an authenticator app; returns its secret."""
    secret = totp.new_secret()
    Totp.objects.create(account=account, secret=sealing.seal(secret), last_step=-1)
    return secret


def with_codes(account: Account) -> list[str]:
    """Make recovery codes."""
    return recovery.make(account)


def with_passkey(account: Account) -> Passkey:
    """Store a passkey that nobody has."""
    return Passkey.objects.create(
        account=account,
        credential_id=account.pk.hex,
        public_key=b"",
        name="A key",
        can_sign_in=True,
        backup_eligible=False,
        backed_up=False,
    )


def code_of(secret: str) -> str:
    """The code that the app shows now."""
    return pyotp.TOTP(secret).now()

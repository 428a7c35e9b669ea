"""Credentials of second factors and passkeys, for `reauthenticate`."""

from typing import Any

import pyotp
from django.db import transaction

from accounts.factors import recovery, webauthn
from accounts.factors.models import Totp
from accounts.factors.webauthn import PasskeyPurpose
from accounts.tokens.models import Session
from tests.api import SignedIn
from tests.authenticator import Authenticator


def by_app(holder: SignedIn) -> dict[str, Any]:
    """The code that the app shows now."""
    Totp.objects.update(last_step=-1)
    return {"totpCode": pyotp.TOTP(holder.account.secret).now()}


def by_recovery_code(holder: SignedIn) -> dict[str, Any]:
    """One of ten new ones."""
    with transaction.atomic():
        return {"recoveryCode": recovery.make(holder.account)[0]}


def passkey_of(holder: SignedIn, **how: Any) -> Authenticator:
    """An authenticator with a passkey of the account."""
    authenticator = Authenticator(**how)
    ceremony = webauthn.begin_registration(holder.account, bound_to="x")
    with transaction.atomic():
        response = authenticator.create(ceremony.options)
        webauthn.verify_registration(ceremony.token, response, account=holder.account, bound_to="x", name="Phone")
    return authenticator


def by_passkey(
    holder: SignedIn,
    authenticator: Authenticator,
    *,
    purpose: PasskeyPurpose = PasskeyPurpose.REAUTHENTICATION,
    session: str | None = None,
) -> dict[str, Any]:
    """Its answer to a ceremony of this session."""
    bound_to = session or str(Session.objects.get(account=holder.account).pk)
    ceremony = webauthn.begin_assertion(purpose, account=holder.account, bound_to=bound_to)
    return {"passkey": {"challengeToken": ceremony.token, "response": authenticator.get(ceremony.options)}}

"""What is given to a client before a provider is asked, and comes back with the credential: nonces and flows.

Nothing is stored until they are used: anybody may ask for them. Both are signed, expire, and are used once.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.core import signing
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.conf import latchkey

SALT = "accounts.social"


def create_nonce(provider: str) -> str:
    """A nonce for one sign-in through this provider."""
    return _nonce_signer(provider).sign(secrets.token_urlsafe(16))


def is_nonce(nonce: str, *, provider: str) -> bool:
    """Whether it is one of ours, for this provider, and young enough. Whether it was used, `single_use` tells."""
    try:
        _nonce_signer(provider).unsign(nonce, max_age=latchkey().social_flow_lifetime)
    except signing.BadSignature:
        return False
    return True


def _nonce_signer(provider: str) -> signing.TimestampSigner:
    # Without the default colons, which not every SDK takes.
    return signing.TimestampSigner(sep=".", salt=f"{SALT}.nonce.{provider}")


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A redirect to a provider that is under way: whose it is, where it returns to, and the seed of its secrets.

    The secrets are derived, so that the PKCE verifier never leaves this server.
    """

    provider: str
    redirect_uri: str
    client_id: int
    account_id: str
    """Of who began it signed in, to link; empty for a sign-in (S70)."""
    seed: str

    @classmethod
    def begin(cls, *, provider: str, redirect_uri: str, client_id: int, account_id: str) -> Self:
        """A new one."""
        return cls(
            provider=provider,
            redirect_uri=redirect_uri,
            client_id=client_id,
            account_id=account_id,
            seed=secrets.token_urlsafe(16),
        )

    @classmethod
    def read(cls, flow: str) -> Self | None:
        """As `str` wrote it; None for what we have not written, or too long ago."""
        try:
            values = signing.loads(flow, salt=f"{SALT}.flow", max_age=latchkey().social_flow_lifetime)
        except signing.BadSignature:
            return None
        provider, redirect_uri, client_id, account_id, seed = values
        return cls(provider=provider, redirect_uri=redirect_uri, client_id=client_id, account_id=account_id, seed=seed)

    def __str__(self) -> str:
        """For the client to keep."""
        values = [self.provider, self.redirect_uri, self.client_id, self.account_id, self.seed]
        return signing.dumps(values, salt=f"{SALT}.flow", compress=True)

    @property
    def state(self) -> str:
        """RFC 6749 §10.12."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """OpenID Connect Core §3.1.2.1."""
        return self._derived("nonce")

    @property
    def code_verifier(self) -> str:
        """RFC 7636 §4.1."""
        return self._derived("code_verifier")

    @property
    def code_challenge(self) -> str:
        """RFC 7636 §4.2, S256."""
        return _text(hashlib.sha256(self.code_verifier.encode()).digest())

    def answers(self, state: str | None) -> bool:
        """Whether this is the state that the provider was given."""
        return hmac.compare_digest((state or "").encode(), self.state.encode())

    def _derived(self, name: str) -> str:
        return _text(salted_hmac(f"{SALT}.flow.{name}", self.seed, algorithm="sha256").digest())


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def expires_at() -> datetime:
    """Until when a flow or nonce that is used now has to be remembered."""
    return timezone.now() + timedelta(seconds=latchkey().social_flow_lifetime)

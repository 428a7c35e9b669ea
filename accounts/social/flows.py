"""Nonces and flows: values that a client gets before it asks a provider, and returns with the credential.

Both are signed, expire, and are used once. Nothing is stored until they are used, because anybody may request them.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from django.core import signing
from django.utils import timezone

from accounts.conf import latchkey
from accounts.shared.keys import digests, secret_keys

SALT = "accounts.social"


def create_nonce(provider: str) -> str:
    """A nonce for one sign-in through this provider."""
    return _nonce_signer(provider).sign(secrets.token_urlsafe(16))


def is_nonce(nonce: str, *, provider: str) -> bool:
    """Whether the nonce is ours, for this provider, and not expired. `single_use` knows whether it was used."""
    try:
        _nonce_signer(provider).unsign(nonce, max_age=latchkey().social_flow_lifetime)
    except signing.BadSignature:
        return False
    return True


def _nonce_signer(provider: str) -> signing.TimestampSigner:
    # Not every SDK accepts the default separator, a colon.
    return signing.TimestampSigner(sep=".", salt=f"{SALT}.nonce.{provider}")


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A pending redirect to a provider: its client and account, its redirect URI, and the seed of its secrets.

    The secrets are derived, so that the PKCE verifier never leaves this server. They come from the key that signed the
    flow, whichever is the first one when it returns (S90).
    """

    provider: str
    redirect_uri: str
    client_id: int
    account_id: str
    """The account that began it, to link; empty for a sign-in (S70)."""
    seed: str
    key: str = field(repr=False)

    @classmethod
    def begin(cls, *, provider: str, redirect_uri: str, client_id: int, account_id: str) -> Self:
        """Create a flow with a random seed."""
        return cls(
            provider=provider,
            redirect_uri=redirect_uri,
            client_id=client_id,
            account_id=account_id,
            seed=secrets.token_urlsafe(16),
            key=secret_keys()[0],
        )

    @classmethod
    def read(cls, flow: str) -> Self | None:
        """Parse the output of `str`. None if it is not ours, or expired."""
        lifetime = latchkey().social_flow_lifetime
        for key in secret_keys():
            try:
                # Without fallback keys, which are Django's default, since it must be known which key fits.
                values = signing.loads(flow, key, f"{SALT}.flow", max_age=lifetime, fallback_keys=[])
            except signing.BadSignature:
                continue
            provider, redirect_uri, client_id, account_id, seed = values
            return cls(
                provider=provider,
                redirect_uri=redirect_uri,
                client_id=client_id,
                account_id=account_id,
                seed=seed,
                key=key,
            )
        return None

    def __str__(self) -> str:
        """The signed form that the client keeps."""
        values = [self.provider, self.redirect_uri, self.client_id, self.account_id, self.seed]
        return signing.dumps(values, self.key, f"{SALT}.flow", compress=True)

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

    def has_state(self, state: str | None) -> bool:
        """Whether this is the state that was sent to the provider."""
        return hmac.compare_digest((state or "").encode(), self.state.encode())

    def _derived(self, name: str) -> str:
        return _text(next(digests(f"{SALT}.flow.{name}", self.seed, keys=(self.key,))))


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def expires_at() -> datetime:
    """The time until which a flow or nonce that is used now must be remembered."""
    return timezone.now() + timedelta(seconds=latchkey().social_flow_lifetime)

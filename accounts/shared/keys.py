"""The keys of this service: the first of a list makes values, and all of them read values (S90).

While a key is being changed, servers with different first keys answer side by side. Whatever is derived from SECRET_KEY
comes from here, so that none of them refuses what another one made.
"""

from collections.abc import Iterator, Sequence

from django.conf import settings
from django.utils.crypto import salted_hmac


def secret_keys() -> tuple[str, ...]:
    """SECRET_KEY, and then SECRET_KEY_FALLBACKS."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def digests(salt: str, text: str, *, keys: Sequence[str] = ()) -> Iterator[bytes]:
    """HMAC-SHA256 of the text under each key, by default those of SECRET_KEY. The salt tells uses of a key apart."""
    for key in keys or secret_keys():
        yield salted_hmac(salt, text, secret=key, algorithm="sha256").digest()

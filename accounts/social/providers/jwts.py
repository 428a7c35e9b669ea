"""Verifies JWTs that a provider has signed: ID tokens and signed userinfo."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jwt

from accounts.errors import AccountsError
from accounts.social.claims import Content
from accounts.social.providers import keys, published
from accounts.social.providers.discovery import Discovery, load
from accounts.social.providers.exchange import Exchange

LEEWAY = 30
"""Seconds by which clocks may differ."""
UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
"""PyJWT's exceptions for a text that is no JWT, and for a JWT with malformed content."""


def signed_content(
    token: str,
    *,
    discovery: Discovery,
    exchange: Exchange,
    refuse: Callable[[str], AccountsError],
    require: tuple[str, ...] = (),
) -> Content:
    """The content of a JWT whose signature and times are valid; audience and issuer are the caller's to check.

    `refuse` builds the exception for a JWT that is not valid, from a cause that holds nothing secret. Raises that, and
    ProviderUnavailable.
    """
    try:
        header = jwt.get_unverified_header(token)
    except UNREADABLE as error:
        raise refuse(f"unreadable: {type(error).__name__}") from None
    # The rest of the header is ignored: `jku`, `jwk` and `x5u` could name an attacker's key.
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().endswith("+jwt"):
        # RFC 8725 §3.11: an access token (`at+jwt`), a logout token.
        raise refuse(f"of the type {kind!a:.40}")
    pinned = exchange.provider.algorithms
    if algorithm not in pinned or algorithm not in keys.KEY_TYPES:
        raise refuse(f"signed with {algorithm!a:.40}, not with one of {', '.join(pinned)}")
    url = discovery.endpoint("jwks", exchange)
    find = partial(_key_of, token, key_id, algorithm)
    key = published.signing_key(url, find, exchange, lambda: load(url, exchange))
    if key is None:
        raise refuse(f"signed with an unknown key {key_id!a:.100}")
    # Audience and issuer are checked by the caller, to log the actual value.
    options: Any = {"require": list(require), "verify_aud": False, "verify_iss": False}
    try:
        content: Content = jwt.decode(token, key, algorithms=[algorithm], leeway=LEEWAY, options=options)
    except UNREADABLE as error:
        raise refuse(f"not valid: {type(error).__name__}") from None
    if not all(type(content.get(time, 0)) in {int, float} for time in ("exp", "iat", "nbf")):
        # PyJWT accepts "1700000000" and true too.
        raise refuse("with a time that is no number")
    return content


def _key_of(token: str, key_id: str | None, algorithm: str, key_set: Content) -> jwt.PyJWK | None:
    """The published key for this token."""
    key = keys.named(key_set, key_id, algorithm) if key_id else None
    if key is None:
        key = keys.unnamed(key_set, key_id, algorithm)
        if key and not _is_signed_with(token, key):
            # Without an id, only the signature shows that there is a new key.
            return None
    return key


def _is_signed_with(token: str, key: jwt.PyJWK) -> bool:
    try:
        jwt.PyJWS().decode(token, key, algorithms=[key.algorithm_name])
    except UNREADABLE:
        return False
    return True

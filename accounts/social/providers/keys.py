"""Selects the published key that a signature must verify with (RFC 7517, OpenID Connect Core §10.1)."""

from typing import Any

from jwt import PyJWK, PyJWTError

SMALLEST_RSA = 2048
"""Bits (RFC 7518 §3.3)."""
KEY_TYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", ())),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}
"""The key type and the curves of each algorithm (RFC 7518 §3.1, RFC 8037 §3.1)."""


def named(published: dict[str, Any], key_id: str, algorithm: str) -> PyJWK | None:
    """The key with this id, if it is usable for this algorithm."""
    for jwk in _keys(published):
        if isinstance(jwk, dict) and jwk.get("kid") == key_id:
            key = _usable(jwk, algorithm)
            if key:
                return key
    return None


def unnamed(published: dict[str, Any], key_id: str | None, algorithm: str) -> PyJWK | None:
    """The only published key, if it is usable for this algorithm and the token or the key has no id."""
    keys = _keys(published)
    if len(keys) != 1 or not isinstance(keys[0], dict) or (key_id and keys[0].get("kid")):
        return None
    return _usable(keys[0], algorithm)


def _keys(published: dict[str, Any]) -> list[Any]:
    keys = published.get("keys")
    return keys if isinstance(keys, list) else []


def _usable(jwk: dict[str, Any], algorithm: str) -> PyJWK | None:
    """The key, if it is public and may verify signatures of this algorithm (RFC 7517 §4.2 to §4.4)."""
    kind, curves = KEY_TYPES[algorithm]
    operations = jwk.get("key_ops", ["verify"])
    if (
        (jwk.get("kty"), jwk.get("use", "sig"), jwk.get("alg", algorithm)) != (kind, "sig", algorithm)
        or (curves and jwk.get("crv") not in curves)
        or not (isinstance(operations, list) and "verify" in operations)
        or "d" in jwk
    ):
        return None
    try:
        key = PyJWK.from_dict(jwk, algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return None if kind == "RSA" and key.key.key_size < SMALLEST_RSA else key

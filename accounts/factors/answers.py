"""Checks the answers of authenticators, `PublicKeyCredential.toJSON()` (WebAuthn level 3 §5.1), with py_webauthn.

The answer is a stranger's: only the fields that are read are handed on, each of bounded length (S80).
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    encode_cbor,
    parse_cbor,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AuthenticatorTransport, CredentialDeviceType

from accounts.factors.errors import PasskeyRejected
from accounts.factors.models import LONGEST_CREDENTIAL_ID

RESPONSE = ("response",)
UNKNOWN = (*RESPONSE, "id")
"""The field of the failure that the passkey is unknown: only then may a front end tell the authenticator so."""

BASE64URL = re.compile("[A-Za-z0-9_-]*")
LONGEST_CLIENT_DATA = 4096
LONGEST_AUTHENTICATOR_DATA = 8192
LONGEST_SIGNATURE = 2048
LONGEST_USER_HANDLE = 86
"""Of 64 bytes (§5.4.3) in base64url, as are the others."""
LONGEST_ATTESTATION = 16 * 1024
"""Authenticators that ignore that we ask for none send certificates."""
ID = {"id": LONGEST_CREDENTIAL_ID, "rawId": LONGEST_CREDENTIAL_ID}
MOST_TRANSPORTS = 10

LONGEST_KEY = 2048
"""Bytes of a public key in COSE: RSA with 8192 bits has 1,044."""
ALGORITHMS = (
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
RSA_BITS = range(2048, 8192 + 1)

STRINGS, TAG, ONE_BYTE, INDEFINITE = (2, 3), 6, 24, 28
"""CBOR (RFC 8949 §3): major types, and what stands in place of a small number."""

MALFORMED = "malformed"
CAUSES = {
    "Unexpected client data type": "wrong type of ceremony",
    "Client data challenge": "wrong challenge",
    "Unexpected client data origin": "wrong origin",
    "Unexpected RP ID": "wrong RP id",
    "User was not present": "user not present",
    "User presence was required": "user not present",
    "User verification is required": "user not verified",
    "Could not verify authentication signature": "wrong signature",
    "Unsupported credential public key alg": "unsupported key",
}
"""The causes that operators read (S74), by the first words of py_webauthn's messages. All others mean `MALFORMED`."""


def rejected(cause: str, *, about: tuple[str, ...] = RESPONSE) -> PasskeyRejected:
    """Build the exception. The cause is for operators, and a hint for developers."""
    return PasskeyRejected(cause=cause, field=about)


@dataclass(frozen=True, kw_only=True)
class RelyingParty:
    """To whom passkeys are shown (§4)."""

    id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Created:
    """A new credential, checked."""

    credential_id: str
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: list[str]
    aaguid: UUID
    user_verified: bool
    discoverable: bool | None
    """As the authenticator says (credProps, §10.1.3); None if it does not."""
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An assertion, checked."""

    sign_count: int
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    user_handle: bytes | None


def credential_id_of(response: object) -> str:
    """The credential that answers, of bounded length, in base64url; not checked otherwise. Raises PasskeyRejected."""
    return str(_text(response, "id", LONGEST_CREDENTIAL_ID))


def check_creation(response: object, *, challenge: bytes, party: RelyingParty, automatic: bool = False) -> Created:
    """Check what `navigator.credentials.create` returned (§7.1). Raises PasskeyRejected.

    Made automatically, its user need neither have been present nor verified. Attestation is not asked for: a statement
    that is sent nevertheless is not read, with the certificates of strangers in it.
    """
    answer = _cleaned(response, {"clientDataJSON": LONGEST_CLIENT_DATA, "attestationObject": LONGEST_ATTESTATION})
    inner = answer["response"]
    try:
        inner["attestationObject"] = _without_attestation(inner["attestationObject"])
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_presence=not automatic,
            supported_pub_key_algs=list(ALGORITHMS),
        )
        usable = _is_usable(verified.credential_public_key)
        same = bytes_to_base64url(verified.credential_id) == answer["id"]
        aaguid = UUID(verified.aaguid)
    except Exception as error:  # noqa: BLE001 - the library lets the errors of its parsers through
        raise rejected(_cause(error)) from None
    _check_client_data(inner["clientDataJSON"])
    if not same:
        raise rejected(MALFORMED)
    if not usable:
        raise rejected("unsupported key")
    return Created(
        credential_id=answer["id"],
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=_transports(response),
        aaguid=aaguid,
        user_verified=verified.user_verified,
        discoverable=_discoverable(response),
        backup_eligible=verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def check_assertion(
    response: object, *, challenge: bytes, party: RelyingParty, public_key: bytes, user_verification: bool
) -> Shown:
    """Check what `navigator.credentials.get` returned (§7.2), all but the counter. Raises PasskeyRejected."""
    answer = _cleaned(
        response,
        {
            "clientDataJSON": LONGEST_CLIENT_DATA,
            "authenticatorData": LONGEST_AUTHENTICATOR_DATA,
            "signature": LONGEST_SIGNATURE,
        },
    )
    handle = _text(_inner(response), "userHandle", LONGEST_USER_HANDLE, optional=True)
    try:
        _check_authenticator_data(base64url_to_bytes(answer["response"]["authenticatorData"]))
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            # The caller compares it, once the signature is known to be right: else anybody could raise that alarm.
            credential_current_sign_count=0,
            require_user_verification=user_verification,
        )
    except Exception as error:  # noqa: BLE001 - as above
        raise rejected(_cause(error)) from None
    _check_client_data(answer["response"]["clientDataJSON"])
    return Shown(
        sign_count=verified.new_sign_count,
        user_verified=verified.user_verified,
        backup_eligible=verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
        user_handle=base64url_to_bytes(handle) if handle else None,
    )


def _cleaned(response: object, parts: Mapping[str, int]) -> dict[str, Any]:
    """Of the answer, the fields that py_webauthn reads: base64url of bounded length."""
    if not isinstance(response, dict) or response.get("type") != "public-key":
        raise rejected(MALFORMED)
    inner = _inner(response)
    return {
        **{name: _text(response, name, longest) for name, longest in ID.items()},
        "type": "public-key",
        "response": {name: _text(inner, name, longest) for name, longest in parts.items()},
    }


def _inner(response: object) -> object:
    return response.get("response") if isinstance(response, dict) else None


def _text(of: object, name: str, longest: int, *, optional: bool = False) -> str | None:
    value = of.get(name) if isinstance(of, dict) else None
    if value is None and optional and isinstance(of, dict):
        return None
    # Base64 of a length of 4n + 1 does not exist.
    if not isinstance(value, str) or len(value) > longest or len(value) % 4 == 1 or not BASE64URL.fullmatch(value):
        raise rejected(MALFORMED)
    return value


def _without_attestation(attestation_object: str) -> str:
    raw = base64url_to_bytes(attestation_object)
    _check_plain(raw, 0)
    authenticator_data = parse_cbor(raw)["authData"]
    _check_authenticator_data(authenticator_data)
    return bytes_to_base64url(encode_cbor({"fmt": "none", "attStmt": {}, "authData": authenticator_data}))


def _check_authenticator_data(data: bytes) -> None:
    """Check the CBOR in it before the library reads it: the key of a new passkey, and extensions (§6.1)."""
    has_credential = data[32] & 64
    _check_plain(data, 55 + int.from_bytes(data[53:55]) if has_credential else 37)


def _check_plain(data: bytes, start: int) -> None:
    """Refuse CBOR with tags or of indefinite length, which authenticators do not write (CTAP2 §8). Raises ValueError.

    The library reads tags: a few bytes of shared values, read and written out again, fill the memory, and there are
    regular expressions that take minutes to compile. In one pass over items of all depths (RFC 8949 §3).
    """
    while start < len(data):
        major, size = divmod(data[start], 32)
        start += 1
        if major == TAG or size >= INDEFINITE:
            raise ValueError("CBOR with a tag, or of indefinite length")
        if size >= ONE_BYTE:
            width = 1 << (size - ONE_BYTE)
            size = int.from_bytes(data[start : start + width])
            start += width
        if major in STRINGS:
            start += size


def _check_client_data(client_data: str) -> None:
    """Refuse an answer that was given in a frame of somebody else's page (§13.4.9). It is JSON: the library read it."""
    said = json.loads(base64url_to_bytes(client_data))
    # Browsers send the second with the first only (§5.8.1); no page above ours is expected (§7.1, §7.2).
    if said.get("crossOrigin") or "topOrigin" in said:
        raise rejected("in a frame of another origin")


def _is_usable(public_key: bytes) -> bool:
    """Whether it is a key of one of our algorithms, on its curve (§5.8.5), and not too weak or too long to check."""
    if len(public_key) > LONGEST_KEY:
        return False
    decoded = decode_credential_public_key(public_key)
    match decoded_public_key_to_cryptography(decoded):
        case EllipticCurvePublicKey() as key:
            return decoded.alg == COSEAlgorithmIdentifier.ECDSA_SHA_256 and isinstance(key.curve, SECP256R1)
        case Ed25519PublicKey():
            return decoded.alg == COSEAlgorithmIdentifier.EDDSA
        case RSAPublicKey() as key:
            return (
                decoded.alg == COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256
                and key.key_size in RSA_BITS
                and key.public_numbers().e.bit_length() <= 32  # noqa: PLR2004 - all that are in use
            )
    return False


def _transports(response: Any) -> list[str]:
    """How the authenticator is reached, as far as we know the words: a hint for later ceremonies (§5.2.1.1)."""
    told = response["response"].get("transports")
    known = {transport.value for transport in AuthenticatorTransport}
    words: Collection[object] = told[:MOST_TRANSPORTS] if isinstance(told, list) else ()
    return list(dict.fromkeys(word for word in words if isinstance(word, str) and word in known))


def _discoverable(response: Any) -> bool | None:
    value: object = response
    for name in ("clientExtensionResults", "credProps", "rk"):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, bool) else None


def _cause(error: Exception) -> str:
    text = str(error)
    return next((cause for begins, cause in CAUSES.items() if text.startswith(begins)), MALFORMED)

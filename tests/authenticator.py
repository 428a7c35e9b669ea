"""A software authenticator (WebAuthn level 3), with the browser in front of it."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "http://localhost:8000"
"""Of the service that the tests run."""
ES256, EDDSA, RS256 = -7, -8, -257
UP, UV, BE, BS, AT, ED = 1, 4, 8, 16, 64, 128
"""The flags of authenticator data (§6.1)."""


def b64(raw: bytes) -> str:
    """In base64url, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of base64url."""
    return base64.urlsafe_b64decode(text + "==")


def new_key(algorithm: int) -> Any:
    """A private key of one of the three algorithms."""
    match algorithm:
        case -7:
            return ec.generate_private_key(ec.SECP256R1())
        case -8:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def cose(key: Any, algorithm: int) -> dict[int, Any]:
    """Its public key in COSE (RFC 9052 §7), under this algorithm."""
    public = key.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        numbers, size = public.public_numbers(), (public.key_size + 7) // 8
        curve = {"secp256r1": 1, "secp384r1": 2, "secp521r1": 3}[public.curve.name]
        return {1: 2, 3: algorithm, -1: curve, -2: numbers.x.to_bytes(size), -3: numbers.y.to_bytes(size)}
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: algorithm, -1: 6, -2: public.public_bytes_raw()}
    modulus, exponent = public.public_numbers().n, public.public_numbers().e
    return {1: 3, 3: algorithm, -1: modulus.to_bytes((modulus.bit_length() + 7) // 8), -2: exponent.to_bytes(3)}


@dataclass
class Credential:
    """A passkey that an authenticator holds."""

    id: bytes
    key: Any = field(repr=False)
    algorithm: int
    rp_id: str
    user_handle: bytes
    user_name: str
    discoverable: bool
    sign_count: int

    def sign(self, data: bytes) -> bytes:
        """Sign as the algorithm says."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(SHA256()))
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        signature: bytes = self.key.sign(data, padding.PKCS1v15(), SHA256())
        return signature


@dataclass
class Authenticator:
    """Makes credentials and uses them, at the page of `origin`. Its fields say how; tests replace what is to be wrong.

    `create(options)` and `get(options)` take the `options` of a PasskeyCeremony and return the `response` to send.
    """

    origin: str = ORIGIN
    algorithm: int = ES256
    up: bool = True
    uv: bool = True
    be: bool = True
    bs: bool = True
    discoverable: bool = True
    counts: bool = False
    """Whether it has a signature counter."""
    aaguid: bytes = bytes(16)
    transports: tuple[str, ...] = ("internal", "hybrid")
    cred_props: bool = True
    """Whether the browser says if the credential is discoverable."""
    client_data: dict[str, Any] = field(default_factory=dict)
    """Replaces fields of the client data; None leaves one out."""
    rp_id: str | None = None
    """In place of that of the options."""
    user_handle: bytes | None = None
    """In place of the credential's; empty for none."""
    credentials: list[Credential] = field(default_factory=list)

    def with_(self, **changes: Any) -> "Authenticator":
        """The same authenticator with its credentials, behaving differently."""
        return replace(self, **changes)

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make a credential for these creation options: `PublicKeyCredential.toJSON()`."""
        excluded = {unb64(descriptor["id"]) for descriptor in options["excludeCredentials"]}
        if any(credential.id in excluded for credential in self.credentials):
            raise InvalidStateError
        assert self.algorithm in [parameter["alg"] for parameter in options["pubKeyCredParams"]]
        credential = Credential(
            id=os.urandom(32),
            key=new_key(self.algorithm),
            algorithm=self.algorithm,
            rp_id=self.rp_id or options["rp"]["id"],
            user_handle=unb64(options["user"]["id"]),
            user_name=options["user"]["name"],
            discoverable=self.discoverable,
            sign_count=int(self.counts),
        )
        self.credentials.append(credential)
        return self.created(credential, options["challenge"])

    def created(
        self,
        credential: Credential,
        challenge: str,
        *,
        public_key: bytes | None = None,
        fmt: str = "none",
        statement: object = None,
    ) -> dict[str, Any]:
        """What `navigator.credentials.create` returns about this credential."""
        key = public_key or cbor2.dumps(cose(credential.key, credential.algorithm))
        attested = self.aaguid + len(credential.id).to_bytes(2) + credential.id + key
        data = self._data(credential, AT) + attested
        attestation = {"fmt": fmt, "attStmt": {} if statement is None else statement, "authData": data}
        return {
            "id": b64(credential.id),
            "rawId": b64(credential.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": credential.discoverable}} if self.cred_props else {},
            "response": {
                "clientDataJSON": b64(self._client_data("webauthn.create", challenge)),
                "attestationObject": b64(cbor2.dumps(attestation)),
                "authenticatorData": b64(data),
                "publicKeyAlgorithm": credential.algorithm,
                "transports": list(self.transports),
            },
        }

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Use a credential for these request options: the last one made that fits."""
        allowed = {unb64(descriptor["id"]) for descriptor in options["allowCredentials"]}
        credential = next(
            credential
            for credential in reversed(self.credentials)
            if (credential.id in allowed if allowed else credential.discoverable)
        )
        return self.shown(credential, options["challenge"])

    def shown(self, credential: Credential, challenge: str) -> dict[str, Any]:
        """What `navigator.credentials.get` returns with this credential."""
        credential.sign_count += int(self.counts)
        client_data, data = self._client_data("webauthn.get", challenge), self._data(credential, 0)
        handle = credential.user_handle if self.user_handle is None else self.user_handle
        return {
            "id": b64(credential.id),
            "rawId": b64(credential.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": b64(client_data),
                "authenticatorData": b64(data),
                "signature": b64(credential.sign(data + hashlib.sha256(client_data).digest())),
                "userHandle": b64(handle) if handle and credential.discoverable else None,
            },
        }

    def _client_data(self, type_: str, challenge: str) -> bytes:
        told = {"type": type_, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **self.client_data}
        return json.dumps({name: value for name, value in told.items() if value is not None}).encode()

    def _data(self, credential: Credential, more: int) -> bytes:
        flags = UP * self.up + UV * self.uv + BE * self.be + BS * self.bs + more
        rp_id = self.rp_id or credential.rp_id
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + credential.sign_count.to_bytes(4)


class InvalidStateError(Exception):
    """The authenticator has a credential of this account already (§5.1.3)."""

"""Keys that providers sign with, made once per test process: making one takes longer than most tests."""

import functools
import json
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@dataclass(frozen=True)
class Key:
    """A key with its id and the algorithm it is for."""

    kid: str
    algorithm: str
    private: PrivateKey

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A JWS; a header of None takes the parameter away."""
        headers = {"kid": self.kid, **header}
        if headers["kid"] is None:
            del headers["kid"]
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=headers)

    @property
    def jwk(self) -> dict[str, Any]:
        """As it is published (RFC 7517)."""
        algorithm: Any = jwt.get_algorithm_by_name(self.algorithm)
        public = json.loads(algorithm.to_jwk(self.private.public_key()))
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    @property
    def pem(self) -> str:
        """The private key."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def public_pem(self) -> bytes:
        """The public key."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@functools.cache
def key(name: str, algorithm: str = "RS256") -> Key:
    """The key of that name."""
    private: PrivateKey
    if algorithm in CURVES:
        private = ec.generate_private_key(CURVES[algorithm])
    elif algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Key(name, algorithm, private)

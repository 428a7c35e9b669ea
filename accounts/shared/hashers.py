"""Password hashers: Argon2id at the configured cost, and a fast one for long random secrets."""

import re

from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher

from accounts.conf import latchkey
from accounts.shared.hash_slots import slots
from accounts.shared.texts import prepared_password

ARGON2 = "argon2$argon2id$v=19$"
"""Prefix of stored hashes. The cost follows, such as `m=19456,t=2,p=1`."""


class ConfiguredArgon2Hasher(Argon2PasswordHasher):
    """Argon2id at the configured cost. Sign-in rehashes a password that was stored at another cost (S7)."""

    def encode(self, password: str, salt: str) -> str:
        """Hash the normalized password (S83)."""
        return slots().run(super().encode, prepared_password(password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether this is the password of the hash."""
        return slots().run(super().verify, password, encoded)

    @property
    def time_cost(self) -> int:  # type: ignore[override]  # read on each use: Django caches hasher instances
        """Number of passes over the memory."""
        return latchkey().argon2_time_cost

    @property
    def memory_cost(self) -> int:  # type: ignore[override]
        """Memory in KiB."""
        return latchkey().argon2_memory_cost

    @property
    def parallelism(self) -> int:  # type: ignore[override]
        """Number of lanes."""
        return latchkey().argon2_parallelism


def cost_in_force() -> str:
    """The cost of new hashes, in the notation of the hash."""
    conf = latchkey()
    return f"m={conf.argon2_memory_cost},t={conf.argon2_time_cost},p={conf.argon2_parallelism}"


def cost_of(encoded: str) -> str:
    """The cost of a stored hash; empty if it is not Argon2id."""
    return encoded.removeprefix(ARGON2).partition("$")[0] if encoded.startswith(ARGON2) else ""


def hash_at_cost(password: str, cost: str) -> None:
    """Hash at this cost and discard the result, to take the same time (S2)."""
    parameters = re.fullmatch(r"m=(\d+),t=(\d+),p=(\d+)", cost)
    if parameters is not None:
        hasher = _AdjustableHasher()
        hasher.memory_cost, hasher.time_cost, hasher.parallelism = map(int, parameters.groups())
        slots().run(hasher.encode, password, hasher.salt())


class _AdjustableHasher(Argon2PasswordHasher):
    """Argon2 with costs set on the instance."""


class ClientSecretHasher(PBKDF2PasswordHasher):
    """PBKDF2 with one round, for client secrets only: 128 random characters resist guessing even with a fast hash.

    A slow hash would add a fifth of a second to every call of a confidential client.
    """

    algorithm = "pbkdf2_sha256_random_secret"
    iterations = 1

"""Password hashers: Argon2id with the deployment's cost, and a fast one for secrets that are long and random."""

from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher

from accounts.conf import latchkey


class ConfiguredArgon2Hasher(Argon2PasswordHasher):
    """Argon2id at the cost that the settings state; a stored hash of another cost is renewed at sign-in (S7)."""

    @property
    def time_cost(self) -> int:  # type: ignore[override]  # read at use: Django keeps its hashers
        """Passes over the memory."""
        return latchkey().argon2_time_cost

    @property
    def memory_cost(self) -> int:  # type: ignore[override]
        """KiB."""
        return latchkey().argon2_memory_cost

    @property
    def parallelism(self) -> int:  # type: ignore[override]
        """Lanes."""
        return latchkey().argon2_parallelism


class ClientSecretHasher(PBKDF2PasswordHasher):
    """One round, for client secrets only: 128 random characters cannot be guessed, however fast the hash.

    A slow hash here would cost every confidential client's call, a wrong secret included, a fifth of a second.
    """

    algorithm = "pbkdf2_sha256_random_secret"
    iterations = 1

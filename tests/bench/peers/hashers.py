"""Argon2id at the cost that the bench gives to all."""

import os

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """As Django's, which differs in its costs only."""

    time_cost = int(os.environ["ARGON2_TIME_COST"])
    memory_cost = int(os.environ["ARGON2_MEMORY_COST"])
    parallelism = int(os.environ["ARGON2_PARALLELISM"])

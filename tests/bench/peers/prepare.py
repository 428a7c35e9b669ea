"""Make the tables and the people of a peer: `python -m tests.bench.peers.prepare PEOPLE PASSWORD`.

The people are `p0`, `p1` … Beside its settings, a peer may have a module `more` that makes what else it needs.
"""

import importlib.util
import os
import sys

import django
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command


def main(people: int, password: str) -> None:
    """Make all."""
    django.setup()
    call_command("migrate", verbosity=0)
    users, hashed = get_user_model().objects, make_password(password)
    users.bulk_create(
        users.model(username=f"p{n}", email=f"p{n}@example.com", first_name="P", password=hashed) for n in range(people)
    )
    package = os.environ["DJANGO_SETTINGS_MODULE"].rpartition(".")[0]
    if importlib.util.find_spec(f"{package}.more"):
        importlib.import_module(f"{package}.more").make()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

"""The project's settings, as the tests run them: on embedded databases unless the environment says more."""

import os

os.environ["DOTENV"] = ""
os.environ.setdefault("LATCHKEY_ENV", "development")
os.environ["SECRET_KEY"] = "only-for-tests-" + "0123456789abcdef" * 4
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
os.environ["ARGON2_MEMORY_COST"] = "8"
os.environ["ARGON2_TIME_COST"] = "1"

from project.settings import *  # noqa: F403 - the environment has to be set first

"""The project's settings, as the tests run them: on embedded databases unless the environment says more."""

import os
import re

os.environ["DOTENV"] = ""
os.environ.setdefault("LATCHKEY_ENV", "development")
os.environ["SECRET_KEY"] = "only-for-tests-" + "0123456789abcdef" * 4
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
# Tests empty their Redis database: each worker of pytest-xdist has one, counted from CACHE_URL's.
worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
if worker and (redis := re.fullmatch(r"(rediss?://[^/]+/)(\d+)(.*)", os.environ.get("CACHE_URL", ""))):
    os.environ["CACHE_URL"] = f"{redis[1]}{int(redis[2]) + worker}{redis[3]}"
os.environ["ARGON2_MEMORY_COST"] = "8"
os.environ["ARGON2_TIME_COST"] = "1"

from project.settings import *  # noqa: E402, F403 - the environment has to be set first

# Races have more threads than the service.
DATABASES["default"].get("OPTIONS", {}).pop("pool", None)  # noqa: F405

# Files are found when they are requested: otherwise each test's client lists all of them, which takes 20 ms.
WHITENOISE_AUTOREFRESH = True

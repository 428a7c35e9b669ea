"""The project's settings with the bench's addresses."""

from project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.urls"

"""What a process loads when it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_searches_for_geographic_libraries():
    """strawberry_django asks for them twice, and Django runs compilers to find out that there are none."""
    ask = (
        "import project.wsgi, strawberry_django, sys;"
        "print([name for name in sys.modules if name.startswith('django.contrib.gis.')])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    environment |= {"DOTENV": "", "LATCHKEY_ENV": "development", "SECRET_KEY": "no-key-but-letters-of-which-are-enough"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ask],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_whoever_looks_through_all_modules_finds_nothing_in_the_one_that_is_switched_off():
    """As `pickle` does for an object that does not tell its module."""
    module = sys.modules["django.contrib.gis"]

    assert not hasattr(module, "somewhere")
    with pytest.raises(ImproperlyConfigured):
        from django.contrib.gis import geos  # noqa: F401

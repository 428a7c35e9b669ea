"""What the tests of leaving share."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.conf import Rate
from tests.leaving.somebody import somebody

__all__ = ["somebody"]


@pytest.fixture
def limit_converting(settings: Any) -> Callable[[int], None]:
    """Let each account ask a provider so many times in an hour."""

    def change(attempts: int) -> None:
        limits = {**settings.LATCHKEY.rate_limits, "convert.account": Rate(attempts, 3600)}
        settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=limits)

    return change

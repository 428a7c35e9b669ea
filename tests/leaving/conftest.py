"""What the tests of leaving share."""

from tests.leaving.somebody import somebody

__all__ = ["somebody"]

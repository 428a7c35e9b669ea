"""What a cache offers that can run scripts, as Redis can."""

from collections.abc import Sequence
from typing import Any


class ScriptsUnavailable(Exception):
    """The script did not run, or nobody knows whether it did."""


class ScriptableCache:
    """A cache that runs Lua scripts atomically. No protocol: `isinstance` of one takes a tenth of a script's time."""

    def run_script(self, script: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run a script on keys of this cache. Raises ScriptsUnavailable."""
        raise NotImplementedError

"""What a cache offers that can run scripts, as Redis can."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable


class ScriptsUnavailable(Exception):
    """The script did not run, or nobody knows whether it did."""


@runtime_checkable
class ScriptableCache(Protocol):
    """A cache that runs Lua scripts atomically."""

    def run_script(self, script: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run a script on keys of this cache. Raises ScriptsUnavailable."""

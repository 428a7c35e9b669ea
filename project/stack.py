"""Keeps Python's stack frames in one chunk of memory (S80).

CPython keeps frames in chunks of 16 KB. Before the fix of python/cpython#142183 (3.13, 3.14) it frees a chunk as soon
as the call that needed it returns. A loop that calls a function at a chunk boundary allocates memory on each iteration
and takes fifty times as long. A deeply nested operation can put graphql-core's loop over characters there: 60 kB of
text then take half a second.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

SLOTS = 66_000
"""Stack slots of one call: slightly more than half of a chunk of 1 MiB, so that it gets such a chunk. The other half
holds the nested calls, some 60 slots for each of the thousand that Python allows."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def in_one_piece(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run the function, and all its calls, within one chunk. The system commits the memory only when it is used."""

    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return function(*args, **kwargs)

    wrapped.__code__ = wrapped.__code__.replace(co_stacksize=SLOTS)
    return wrapped

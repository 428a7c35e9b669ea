"""Passwords that leaked from other services, looked up in a file: nothing about a password leaves this service (S6).

The file is a header and sorted prefixes of SHA-1, 6 bytes each, written by `manage.py build_leaked_passwords`. It is
mapped into memory, and a look-up reads some thirty of its pages; all workers share them in the page cache of the
system. Libraries for such filters load the whole of it into each worker.

A prefix is 48 bits, so that a list of n passwords refuses a good one with a probability of n / 2^48: one in 280,000 for
a thousand million.
"""

import functools
import hashlib
import itertools
import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from accounts.shared.texts import prepared_password

HEADER = struct.Struct(">8sQ")
"""MAGIC, and the number of prefixes."""
MAGIC = b"LEAKEDP1"
PREFIX = 6
SAMPLES = 1000
"""How many places of a file are looked at to see whether it is sorted."""


def prefix_of(password: str) -> bytes:
    """What the file holds of a password. SHA-1 is how lists of leaked passwords are published; it protects nothing."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()[:PREFIX]


def forms_of(password: str) -> set[str]:
    """The password as it was typed, and as it is hashed (S83): a list may have either."""
    return {password, prepared_password(password)}


class LeakedPasswords(Sequence[bytes]):
    """The sorted prefixes of a file. Raises OSError, or ValueError if it is not such a file.

    A file that is open must never be changed in place, only replaced: reading pages that are gone ends the process.
    """

    def __init__(self, path: str) -> None:
        with Path(path).open("rb") as file:
            magic, length = HEADER.unpack(file.read(HEADER.size).ljust(HEADER.size))
            self._length: int = length
            if magic != MAGIC:
                raise ValueError("is not a file of build_leaked_passwords")
            if not self._length or os.fstat(file.fileno()).st_size != HEADER.size + PREFIX * self._length:
                raise ValueError("is truncated or damaged")
            self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        sample = [self[n] for n in range(0, self._length, 1 + self._length // SAMPLES)]
        if any(first >= second for first, second in itertools.pairwise(sample)):
            raise ValueError("is not sorted")

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(self._length))]
        if not 0 <= index < self._length:
            raise IndexError(index)
        start = HEADER.size + PREFIX * index
        return self._mapped[start : start + PREFIX]

    def has(self, password: str) -> bool:
        """Whether the password, in any of its forms, is one of these."""
        return any(self._has(prefix_of(form)) for form in forms_of(password))

    def _has(self, prefix: bytes) -> bool:
        place = bisect_left(self, prefix)
        return place < self._length and self[place] == prefix


@functools.lru_cache(maxsize=1)
def leaked_passwords(path: str) -> LeakedPasswords:
    """The passwords of the file, opened once in each process. Raises OSError, ValueError."""
    return LeakedPasswords(path)

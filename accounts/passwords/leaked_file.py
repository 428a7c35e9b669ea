"""Write the file of leaked passwords from lists, with bounded memory: sorted runs on disk, which are then merged."""

import heapq
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from accounts.passwords.leaked import HEADER, MAGIC, PREFIX, forms_of, prefix_of

HASHED = re.compile(rb"([0-9A-Fa-f]{40})(?::([0-9]+))?")
"""A line of Have I Been Pwned: a SHA-1, and how often it was seen."""
OTHER_HASHES = re.compile(rb"[0-9A-Fa-f]{32}(?:[0-9A-Fa-f]{3})?:[0-9]+")
"""A line of its lists of NTLM hashes, or of its files by range, which leave out the first five digits."""
IN_MEMORY = 1_000_000
"""Prefixes that are sorted at once: about 200 MB."""
MERGED_AT_ONCE = 64
"""Files that are open at once."""


def build(sources: Iterable[BinaryIO], output: Path, *, min_count: int = 1) -> int:
    """Write the passwords of these lists to the file, which is replaced at the end; returns their number.

    A line is a SHA-1 with or without a count, or a password. Counts below `min_count` are left out. Raises OSError;
    ValueError for lists without a password, or of other hashes.
    """
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".leaked-passwords-") as directory:
        runs = _runs(_prefixes(sources, min_count), Path(directory))
        while len(runs) > MERGED_AT_ONCE:
            merged = Path(directory) / f"merged-{len(runs)}"
            with merged.open("wb") as file:
                _merge(runs[:MERGED_AT_ONCE], file)
            for run in runs[:MERGED_AT_ONCE]:
                run.unlink()
            runs = [*runs[MERGED_AT_ONCE:], merged]
        finished = Path(directory) / "finished"
        with finished.open("wb") as file:
            file.write(HEADER.pack(MAGIC, 0))
            count = _merge(runs, file)
            file.seek(0)
            file.write(HEADER.pack(MAGIC, count))
            file.flush()
            os.fsync(file.fileno())
        if not count:
            raise ValueError("The lists hold no password.")
        finished.replace(output)
    return count


def _prefixes(sources: Iterable[BinaryIO], min_count: int) -> Iterator[bytes]:
    """The prefixes of all passwords, in the order of the lists."""
    for source in sources:
        for line in source:
            word = line.rstrip(b"\r\n")
            if hashed := HASHED.fullmatch(word):
                if int(hashed[2] or min_count) >= min_count:
                    yield bytes.fromhex(hashed[1][: 2 * PREFIX].decode())
            elif OTHER_HASHES.fullmatch(word):
                raise ValueError("A list holds NTLM hashes or ranges. Download the one file of SHA-1 hashes.")
            elif word:
                yield from map(prefix_of, forms_of(_text(word)))


def _text(word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError:
        # Old lists mix encodings, and most of the rest is this one.
        return word.decode("latin-1")


def _runs(prefixes: Iterator[bytes], directory: Path) -> list[Path]:
    """Write the prefixes to files that are each sorted: to one file, if the list is sorted already."""
    runs: list[Path] = []
    last = b""
    while part := sorted(islice(prefixes, IN_MEMORY)):
        if not runs or part[0] < last:
            runs.append(directory / f"run-{len(runs)}")
        with runs[-1].open("ab") as file:
            file.write(b"".join(part))
        last = part[-1]
    return runs


def _merge(runs: list[Path], file: BinaryIO) -> int:
    """Write the prefixes of sorted files to one, each once; returns their number."""
    count, last = 0, b""
    with ExitStack() as opened:
        files = [opened.enter_context(run.open("rb", buffering=1 << 20)) for run in runs]
        for prefix in heapq.merge(*(iter(partial(run.read, PREFIX), b"") for run in files)):
            if prefix != last:
                file.write(prefix)
                count, last = count + 1, prefix
    return count

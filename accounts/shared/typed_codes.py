"""Codes that people read in one place and type in another."""

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Letters that form no words and are not confused (RFC 8628 §6.1)."""
LONGEST_TYPED = 64
GROUP = 4


def grouped(letters: str) -> str:
    """The code as it is shown, such as `BCDF-GHJK`."""
    return "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))


def normalized(typed: str) -> bytes:
    """The typed text without spaces and dashes, in capitals."""
    return "".join(c for c in typed[:LONGEST_TYPED] if c.isascii() and c.isalnum()).upper().encode()

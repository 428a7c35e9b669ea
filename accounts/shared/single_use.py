"""Records single-use values. Kept in the database because a cache may evict them."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.shared.models import SpentCredential
from accounts.shared.sweeping import sweep_expired


def spend(expiries: Mapping[str, datetime]) -> bool:
    """Record these values, with their expiry times, as used. Returns False, recording none, if any was used before.

    The primary key decides between concurrent uses.
    """
    rows = [SpentCredential(digest=digest_of(value), expires_at=expires_at) for value, expires_at in expiries.items()]
    try:
        with transaction.atomic():
            SpentCredential.objects.bulk_create(rows)
    except IntegrityError:
        return False
    return True


def clear_expired() -> int:
    """Delete expired values; returns their number."""
    return sweep_expired(SpentCredential)


def digest_of(value: str) -> str:
    """The stored form of a high-entropy secret: its SHA-256 (S15)."""
    return hashlib.sha256(value.encode()).hexdigest()

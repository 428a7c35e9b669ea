"""Remember that something was used which counts once. In the database: a cache may forget, and it would count again."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import SpentCredential


def spend(uses: Mapping[str, datetime]) -> bool:
    """Use all of these, or none if one of them was used before; returns which.

    Each stands with the moment at which it would expire anyway. Two that come at once end at the primary key.
    """
    rows = [SpentCredential(digest=digest_of(value), expires_at=expires_at) for value, expires_at in uses.items()]
    try:
        with transaction.atomic():
            SpentCredential.objects.bulk_create(rows)
    except IntegrityError:
        return False
    return True


def digest_of(value: str) -> str:
    """What is stored of a secret with enough entropy, to know it again (S15)."""
    return hashlib.sha256(value.encode()).hexdigest()

"""Seals what is stored of all second factors anew, so that a former key can be removed (S90)."""

from collections import Counter
from enum import StrEnum

from django.db.models import Model

from accounts.factors import sealing
from accounts.factors.models import RecoveryCodes, Totp
from accounts.factors.sealing import CannotOpen
from accounts.shared.sweeping import Rows, sweep

SEALED: dict[type[Model], str] = {Totp: "secret", RecoveryCodes: "key"}
"""The column of each table that is sealed. A test walks the tables for others."""


class Outcome(StrEnum):
    """What became of a row."""

    RESEALED = "resealed"
    UNCHANGED = "unchanged"
    """It was under the first key already."""
    UNREADABLE = "unreadable"
    """Its key is unknown: its holder needs another factor, or a reset."""


def reseal_all() -> Counter[Outcome]:
    """Seal every stored secret under the first key; returns how many rows each outcome had.

    It writes row by row and holds no lock, so that nobody waits who signs in meanwhile.
    """
    found: Counter[Outcome] = Counter()
    for model, field in SEALED.items():
        sweep(model, lambda part, model=model, field=field: _reseal(part.of(model), field, found))  # type: ignore[misc]
    return found


def _reseal(rows: Rows, field: str, found: Counter[Outcome]) -> int:
    outcomes = [_outcome(rows, key, field, sealed) for key, sealed in list(rows.values_list("pk", field))]
    found.update(outcome for outcome in outcomes if outcome)
    return len(outcomes)


def _outcome(rows: Rows, key: object, field: str, sealed: str | None) -> Outcome | None:
    """Seal one row anew; None if it is gone. A secret that changes meanwhile is looked at again."""
    row = rows.filter(pk=key)
    while sealed is not None:
        try:
            anew = sealing.sealed_anew(sealed)
        except CannotOpen:
            return Outcome.UNREADABLE
        if anew == sealed:
            return Outcome.UNCHANGED
        if row.filter(**{field: sealed}).order_by().update(**{field: anew}):
            return Outcome.RESEALED
        sealed = row.values_list(field, flat=True).first()
    return None

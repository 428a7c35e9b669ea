"""Sessions of the administration, by the hash of their key: a copy of the database opens none (S15).

Django's own backend stores the keys, which are the cookies.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

LONGEST = 40
"""Characters of the column; as hexadecimal digits 160 bits."""


def stored(key: str | None) -> str:
    """What is stored of a key."""
    return hashlib.sha256((key or "").encode()).hexdigest()[:LONGEST]


class SessionStore(db.SessionStore):
    """As Django's, for synchronous code."""

    def load(self) -> dict[str, Any]:
        """The values of the session; none, and no key, if it is unknown or has expired."""
        row = self.model.objects.filter(session_key=stored(self.session_key), expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        """Whether the key is taken."""
        return super().exists(stored(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """The row of this session."""
        row = super().create_model_instance(data)
        row.session_key = stored(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Delete the session, by default this one."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(stored(key))

"""Global ids (Relay)."""

import uuid

from strawberry import relay


def type_and_key(global_id: str) -> tuple[str, uuid.UUID | None]:
    """The type's name and the key in a global id; no key if it is malformed."""
    try:
        name, key = relay.from_base64(global_id)
        return name, uuid.UUID(key)
    except ValueError:
        return "", None

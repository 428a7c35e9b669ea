"""Who uses the service in these tests."""

import uuid

from tests.api import PASSWORD


def person() -> dict[str, str]:
    """The input of a registration: somebody who is not there yet."""
    name = f"u{uuid.uuid4().hex[:20]}"
    return {"email": f"{name}@example.com", "username": name, "firstName": "Ada", "password": PASSWORD}

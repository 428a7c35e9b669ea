"""System checks of the file of leaked passwords."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import latchkey
from accounts.passwords.leaked import LeakedPasswords


@register(Tags.files)
def leaked_passwords_can_be_read(**_kwargs: Any) -> list[CheckMessage]:
    """Report a missing or damaged file, without which leaked passwords would be accepted."""
    path = latchkey().leaked_passwords
    if not path:
        return []
    try:
        LeakedPasswords(path)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except ValueError as error:
        problem = str(error)
    else:
        return []
    hint = "Write it with manage.py build_leaked_passwords."
    return [Error(f"LEAKED_PASSWORDS: {path} {problem}.", hint=hint, id="accounts.E004")]

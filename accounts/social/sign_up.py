"""Make an account of what a provider vouches for: the one step of the pipeline that is ours."""

import re
import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string

from accounts import forms
from accounts.conf import latchkey
from accounts.exceptions import (
    AccountsError,
    EmailTaken,
    LinkRequired,
    Required,
    UsernameTaken,
    ValidationFailed,
)
from accounts.forms import AccountForm
from accounts.models import LONGEST_NAME, Account
from accounts.validators import validate_plain_text

READABLE = "23456789abcdefghjkmnpqrstuvwxyz"
"""Letters and digits that nobody takes for one another."""


def create_account(*, details: dict[str, Any], user: Account | None = None, **_context: Any) -> dict[str, Any] | None:
    """A pipeline step: the new account, unless the identity has one.

    Raises LinkRequired if the address has an account: an address, verified or not, is no key to it (S33).
    Raises ValidationFailed with a Required for each thing that the provider did not tell in a usable form.
    """
    if user is not None:
        return None
    first_name, last_name = plain_name(details["first_name"]), plain_name(details["last_name"])
    values = {"email": details["email"], "first_name": first_name, "last_name": last_name}
    while True:
        form = AccountForm({**values, "username": random_username(first_name)})
        try:
            return {"user": forms.create_account(form, email_verified=details["email_verified"])}
        except ValidationFailed as failed:
            if [type(failure) for failure in failed.failures] != [UsernameTaken]:
                raise _refusal(failed) from None


def _refusal(failed: ValidationFailed) -> AccountsError:
    if any(isinstance(failure, EmailTaken) for failure in failed.failures):
        return LinkRequired()
    fields = dict.fromkeys(failure.field for failure in failed.failures if not isinstance(failure, UsernameTaken))
    return ValidationFailed(tuple(Required(field=field) for field in fields))


def plain_name(name: str) -> str:
    """The name without what our names must not contain (S62), rather than no sign-in at all; may be empty."""
    return " ".join("".join(c if _is_plain(c) else " " for c in name).split())[:LONGEST_NAME].strip()


def _is_plain(character: str) -> bool:
    try:
        validate_plain_text(character)
    except ValidationError:
        return False
    return True


def random_username(first_name: str) -> str:
    """A readable name that nobody has. Never of the e-mail address: usernames are public.

    So may names be; where they are not, the username shall not tell the given name either.
    """
    shown = first_name if latchkey().public_names else ""
    letters = re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", shown).lower())
    return f"{letters[:20] or 'user'}-{get_random_string(8, READABLE)}"

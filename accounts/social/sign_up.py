"""Creates an account from verified claims: our own step of social-core's pipeline."""

import logging
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string

from accounts.conf import latchkey
from accounts.errors import ValidationFailed
from accounts.mails.locale import of_request
from accounts.people import forms
from accounts.people.errors import AccountDisabled, EmailTaken, UsernameTaken
from accounts.people.forms import AccountForm, UntoldAddress
from accounts.people.models import LONGEST_NAME, Account
from accounts.shared.texts import canonical_email, validate_plain_text
from accounts.verification.errors import RegistrationClosed
from accounts.verification.pending import is_mandatory

log = logging.getLogger("accounts.social")

READABLE = "23456789abcdefghjkmnpqrstuvwxyz"
"""Letters and digits without lookalikes."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The person's own data. What the provider vouches for takes precedence over each field."""

    email: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, kw_only=True)
class AddressTaken:
    """The provider's address has an account: an address, verified or not, is no key to it (S33).

    `account` is None if the provider has not verified the address: then the caller may not learn more.
    """

    account: Account | None


@dataclass(frozen=True, kw_only=True)
class Unconfirmed:
    """Nobody has shown yet that the address is theirs, and here that is mandatory.

    `account` is stored if the identity has one. Otherwise it is validated only, and nothing tells whether its address
    is taken (S61).
    """

    account: Account


@dataclass(frozen=True, kw_only=True)
class Incomplete:
    """The provider left out fields that an account needs, or sent them in no usable form."""

    missing: tuple[str, ...]
    suggestion: Profile


def create_account(
    *, details: dict[str, Any], profile: Profile, answered: bool, user: Account | None = None, **_context: Any
) -> dict[str, Any] | AddressTaken | Incomplete | Unconfirmed | None:
    """Create the account, unless the identity has one. A pipeline step: a result that is no dict ends the pipeline.

    `profile` holds hints; or, if `answered`, the answer to a ProfileChallenge. Raises AccountDisabled,
    RegistrationClosed; ValidationFailed for an answer.
    """
    if user is not None:
        return None
    # Whoever has not proved an address must not learn whether it has an account, where that is mandatory.
    form = AccountForm if details["email_verified"] or not is_mandatory() else UntoldAddress
    vouched = {
        "email": details["email"],
        "first_name": plain_name(details["first_name"] or profile.first_name),
        "last_name": plain_name(details["last_name"] or profile.last_name),
    }
    refused = _refused(form({**vouched, "username": random_username(vouched["first_name"])}))
    if "email" in refused and any(isinstance(failure, EmailTaken) for failure in refused["email"]):
        holder = _taken_over(canonical_email(vouched["email"]), verified=details["email_verified"])
        return holder if isinstance(holder, AddressTaken) else {"user": holder, "is_new": False}
    if not latchkey().registration_open:
        raise RegistrationClosed
    verified = details["email_verified"] and "email" not in refused
    missing = tuple(refused)
    if missing and not answered:
        usable = {name: value for name, value in vouched.items() if name not in missing}
        suggestion = Profile(**usable, username=random_username(vouched["first_name"]))
        return Incomplete(missing=missing, suggestion=suggestion)
    values = {**vouched, **{name: getattr(profile, name) for name in missing}}
    if is_mandatory() and not verified:
        return Unconfirmed(account=_named(values, profile, lambda named: _validated(UntoldAddress(named))))
    return {"user": _named(values, profile, lambda named: _created(AccountForm(named), verified=verified))}


def _refused(form: AccountForm) -> dict[str, tuple[Any, ...]]:
    """The failures of the values, by field."""
    failures = () if form.is_valid() else forms.failures(form)
    fields = dict.fromkeys(failure.field[0] for failure in failures if failure.field)
    return {
        field: tuple(failure for failure in failures if failure.field == (field,))
        for field in fields
        if field != "username"
    }


def _named(values: dict[str, str], profile: Profile, make: Callable[[dict[str, str]], Account]) -> Account:
    """What is made of the values with the username of the profile, or with a random one that is free."""
    while True:
        username = profile.username or random_username(values["first_name"])
        try:
            return make({**values, "username": username})
        except ValidationFailed as failed:
            unlucky = [type(failure) for failure in failed.failures] == [UsernameTaken] and not profile.username
            if not unlucky:
                raise


def _validated(form: AccountForm, *, verified: bool = False) -> Account:
    account = forms.validated(form, email_verified=verified)
    account.locale = of_request()
    return account


def _created(form: AccountForm, *, verified: bool) -> Account:
    return forms.store(form, _validated(form, verified=verified))


def _taken_over(email: str, *, verified: bool) -> Account | AddressTaken:
    """Hand an unverified account to the verified owner of its address (S9): remove its password, identities, sessions.

    AddressTaken if the account or the provider's address does not allow that. Raises AccountDisabled.
    """
    # `no_key`: a concurrent refresh holds its session, and needs the account's row for its foreign keys.
    account = Account.objects.select_for_update(no_key=True).filter(email=email).first()
    if account is None or not verified:
        return AddressTaken(account=None)
    if account.email_verified or account.is_staff or account.is_superuser:
        return AddressTaken(account=account)
    if not account.is_active:
        raise AccountDisabled
    account.hand_over()
    return account


def plain_name(name: str) -> str:
    """The name without characters that our names must not contain (S62); may be empty. It does not fail the sign-in.

    An e-mail address gives an empty name, because names are public.
    """
    if "@" in name:
        return ""
    # Twice the length, because characters are removed. A longer text would only cost work (S80).
    name = name[: 2 * LONGEST_NAME]
    return " ".join("".join(c if _is_plain(c) else " " for c in name).split())[:LONGEST_NAME].strip()


def _is_plain(character: str) -> bool:
    try:
        validate_plain_text(character)
    except ValidationError:
        return False
    return True


def random_username(first_name: str) -> str:
    """A readable random username. It never contains the e-mail address, because usernames are public.

    If names are private, do not derive the username from the given name.
    """
    shown = first_name if latchkey().public_names else ""
    letters = re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", shown).lower())
    return f"{letters[:20] or 'user'}-{get_random_string(8, READABLE)}"

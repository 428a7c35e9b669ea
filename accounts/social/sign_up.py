"""Make an account of what a provider vouches for: the one step of the pipeline that is ours."""

import logging
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string
from social_django.models import UserSocialAuth

from accounts import bearer_tokens, forms
from accounts.conf import latchkey
from accounts.exceptions import AccountDisabled, EmailTaken, UsernameTaken, ValidationFailed
from accounts.forms import AccountForm
from accounts.models import LONGEST_NAME, Account, Challenge
from accounts.validators import canonical_email, validate_plain_text

log = logging.getLogger("accounts.social")

READABLE = "23456789abcdefghjkmnpqrstuvwxyz"
"""Letters and digits that nobody takes for one another."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What people say of themselves; in all of it, the provider's word goes first."""

    email: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""


class AddressTaken(Exception):
    """The provider's address has an account: an address, verified or not, is no key to it (S33).

    `account` is None where the provider has not verified the address: then whoever asks may not know more.
    """

    def __init__(self, account: Account | None) -> None:
        self.account = account
        super().__init__()


class Incomplete(Exception):
    """The provider left out, or told in no usable form, what an account needs: these fields of it."""

    def __init__(self, missing: tuple[str, ...], suggestion: Profile) -> None:
        self.missing = missing
        self.suggestion = suggestion
        super().__init__()


def create_account(
    *, details: dict[str, Any], profile: Profile, answered: bool, user: Account | None = None, **_context: Any
) -> dict[str, Any] | None:
    """A pipeline step: the new account, unless the identity has one.

    `profile` holds hints; or, if `answered`, what was asked for because the provider left it out.
    Raises AddressTaken, Incomplete, AccountDisabled; ValidationFailed for an answer.
    """
    if user is not None:
        return None
    told = {
        "email": details["email"],
        "first_name": plain_name(details["first_name"] or profile.first_name),
        "last_name": plain_name(details["last_name"] or profile.last_name),
    }
    refused = _refused(told, username=random_username(told["first_name"]))
    if "email" in refused and any(isinstance(failure, EmailTaken) for failure in refused["email"]):
        holder = _taken_over(canonical_email(told["email"]), verified=details["email_verified"])
        return {"user": holder, "is_new": False}
    verified = details["email_verified"] and "email" not in refused
    missing = tuple(refused)
    if missing and not answered:
        suggestion = {name: value for name, value in told.items() if name not in missing}
        raise Incomplete(missing, Profile(**suggestion, username=random_username(told["first_name"])))
    return {"user": _created({**told, **{name: getattr(profile, name) for name in missing}}, profile, verified)}


def _refused(values: dict[str, str], *, username: str) -> dict[str, tuple[Any, ...]]:
    """What is wrong with the values, by field."""
    form = AccountForm({**values, "username": username})
    failures = () if form.is_valid() else forms.failures(form)
    fields = dict.fromkeys(failure.field[0] for failure in failures if failure.field)
    return {
        field: tuple(failure for failure in failures if failure.field == (field,))
        for field in fields
        if field != "username"
    }


def _created(values: dict[str, str], profile: Profile, verified: bool) -> Account:  # noqa: FBT001 - beside its address
    while True:
        username = profile.username or random_username(values["first_name"])
        try:
            return forms.create_account(AccountForm({**values, "username": username}), email_verified=verified)
        except ValidationFailed as failed:
            unlucky = [type(failure) for failure in failed.failures] == [UsernameTaken] and not profile.username
            if not unlucky:
                raise


def _taken_over(email: str, *, verified: bool) -> Account:
    """The account of the address, where whoever made it never showed that the address was theirs (S9).

    The provider has now shown whose it is: every way in of whoever came first is closed. Raises AddressTaken where that
    is not so, and AccountDisabled.
    """
    # `no_key`: a refresh that is under way holds its session, and needs the account for its foreign keys.
    account = Account.objects.select_for_update(no_key=True).filter(email=email).first()
    if account is None or not verified:
        raise AddressTaken(None)
    if account.email_verified or account.is_staff or account.is_superuser:
        raise AddressTaken(account)
    if not account.is_active:
        raise AccountDisabled
    log.warning("account %s taken over by the holder of its address", account.pk)
    account.email_verified = True
    account.set_unusable_password()
    account.save(update_fields=["email_verified", "password"])
    UserSocialAuth.objects.filter(user=account).delete()
    Challenge.objects.filter(account=account).delete()
    bearer_tokens.end_sessions(account)
    return account


def plain_name(name: str) -> str:
    """The name without what our names must not contain (S62), rather than no sign-in at all; may be empty.

    An e-mail address is no name: names are public.
    """
    if "@" in name:
        return ""
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

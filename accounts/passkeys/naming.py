"""The names of passkeys."""

from django.utils.translation import gettext

from accounts.errors import TooLong
from accounts.factors.models import LONGEST_PASSKEY_NAME
from accounts.factors.passkeys import passkeys_of
from accounts.people.models import Account
from accounts.shared.texts import has_invisible

LEFT_OUT = frozenset(":/")
"""Names stand in mails, where these would make a link (S62)."""


def cleaned(name: str) -> str:
    """The name as it is stored: on one line, of visible characters, and no link. Raises TooLong."""
    name = name.strip()
    if len(name) > LONGEST_PASSKEY_NAME:
        raise TooLong(field=("name",))
    kept = (" " if letter in LEFT_OUT or has_invisible(letter) else letter for letter in name)
    return " ".join("".join(kept).split())


def made_up(account: Account) -> str:
    """A name for the account's next passkey, in the language of the request."""
    return gettext("Passkey %(number)d") % {"number": passkeys_of(account).count() + 1}

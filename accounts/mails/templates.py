"""The mails that exist."""

from enum import StrEnum


class Template(StrEnum):
    """A mail. The value names its folder in the template set; the comment names its variables beside those of all."""

    NOTHING = "nothing"
    """No mail. Queued where there is nothing to send, so that the request costs the same (S2)."""
    VERIFY_EMAIL = "verify_email"
    """Link and code that confirm a new account's address."""
    ALREADY_REGISTERED = "already_registered"
    """Somebody registered with an address that has an account."""
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a name
    """Link and code for choosing a password. Data: `link_only`, true after the password was taken away."""
    SIGN_IN = "sign_in"
    """Link and code for signing in."""
    UNKNOWN_ADDRESS = "unknown_address"
    """Somebody asked for a code for an address that has no account. Data: `asked_for`, such as `reset`."""
    REAUTHENTICATE = "reauthenticate"
    """A code, without a link."""
    CONFIRM_EMAIL = "confirm_email"
    """Link and code that confirm a new address of an account; to the new one."""
    ADDRESS_TAKEN = "address_taken"
    """Somebody wants to change their address to this one, which has an account."""
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    """To the present address. Link: `secure`."""
    EMAIL_CHANGED = "email_changed"
    """To the former address. Link: `undo`."""
    NEW_DEVICE = "new_device"
    """Link: `secure`. Data: `device` and `ip_address`, both may be empty; `client_name`."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    """Link: `secure`."""
    SOCIAL_LINKED = "social_linked"
    """Link: `secure`. Data: `provider`, a label."""
    SOCIAL_UNLINKED = "social_unlinked"
    """Link: `secure`. Data: `provider`, a label."""
    DELETION_SCHEDULED = "deletion_scheduled"
    """Link: `cancel`. Data: `due`, an ISO instant."""

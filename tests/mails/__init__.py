"""Mailed codes and links, as the mails carry them."""

from accounts.mails import codes
from accounts.mails.models import Mail, MailedCode, Purpose


def newest_code(email: str, purpose: Purpose) -> MailedCode:
    """The row of the last code for this address."""
    return MailedCode.objects.filter(email=email, purpose=purpose).latest("created_at")


def typed_code(email: str, purpose: Purpose) -> str:
    """The last code that was mailed to this address, to type."""
    return codes.typed_code(newest_code(email, purpose))


def link_token(email: str, purpose: Purpose) -> str:
    """The token of the last link that was mailed to this address."""
    return codes.link_token(newest_code(email, purpose))


def queued(email: str) -> list[str]:
    """The templates that wait for this address, oldest first."""
    return list(Mail.objects.filter(email=email).order_by("created_at").values_list("template", flat=True))

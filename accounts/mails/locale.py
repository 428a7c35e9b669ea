"""The language of a mail to somebody without an account: that of the request."""

from django.utils.translation import get_language


def of_request() -> str:
    """The language in which the current request is answered, as a BCP 47 tag."""
    return get_language() or "en"

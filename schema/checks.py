"""System checks: files that the API reads."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import latchkey
from schema.http.documents import manifest


@register(Tags.files)
def trusted_documents_can_be_read(**_kwargs: Any) -> list[CheckMessage]:
    """Report a missing or broken manifest, with which the service would refuse every operation."""
    path = latchkey().trusted_documents
    if not path:
        return []
    try:
        known = manifest(path)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (ValueError, TypeError, KeyError, AttributeError):
        problem = "is no manifest of operations"
    else:
        if known:
            return []
        problem = "lists no operation"
    hint = "Name a manifest that graphql-codegen, Relay or Apollo has written."
    return [Error(f"TRUSTED_DOCUMENTS: {path} {problem}.", hint=hint, id="schema.E001")]

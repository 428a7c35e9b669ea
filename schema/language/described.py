"""Docstrings as descriptions: a type or field is documented once, for its readers here and in GraphiQL."""

import inspect
import re
from typing import Any, TypeVar

from strawberry.types.field import StrawberryField

Documented = TypeVar("Documented")


def described(documented: Documented) -> Documented:
    """Give a Strawberry type, enum, directive, field or mutation its docstring as description."""
    target: Any = documented
    if isinstance(target, StrawberryField):
        resolver = target.base_resolver
        doc = resolver.wrapped_func.__doc__ if resolver else None
    else:
        doc = target.__doc__
        target = getattr(target, "__strawberry_directive__", None) or target.__strawberry_definition__
    target.description = _unwrapped(doc or "")
    return documented


def _unwrapped(doc: str) -> str:
    """The paragraphs of a docstring, each as one line."""
    return "\n\n".join(re.sub(r"\s*\n\s*", " ", paragraph) for paragraph in inspect.cleandoc(doc).split("\n\n"))

"""Scalars."""

from collections.abc import Mapping
from datetime import UTC, datetime

import strawberry
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

DateTime = strawberry.scalar(
    name="DateTime",
    description="An instant in UTC, RFC 3339 with a `Z`, for example `2026-11-23T13:04:05Z`.",
    specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    serialize=lambda value: value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    parse_value=datetime.fromisoformat,
)

AnyJson = strawberry.scalar(
    name="JSON",
    description="Any JSON value.",
    specified_by_url="https://ecma-international.org/publications-and-standards/standards/ecma-404/",
    serialize=lambda value: value,
    parse_value=lambda value: value,
)

SCALARS: Mapping[object, ScalarDefinition] = {datetime: DateTime, JSON: AnyJson}

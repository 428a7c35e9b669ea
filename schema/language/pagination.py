"""Keyset pagination: a cursor is the sort key of its row, so that new rows do not shift later pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

import strawberry
from django.db.models import Model, QuerySet
from strawberry import Info
from strawberry.relay import to_base64
from strawberry_django.relay.cursor_connection import (
    DjangoCursorEdge,
    OrderedCollectionCursor,
    annotate_ordering_fields,
    apply_cursor_pagination,
)

from schema.language.described import described
from schema.request.refusals import Refusal

DEFAULT_PAGE = 20
LARGEST_PAGE = 100

First = Annotated[
    int | None, strawberry.argument(description="How many to return from the start, or after `after`: 0 to 100.")
]
Last = Annotated[
    int | None, strawberry.argument(description="How many to return from the end, or before `before`: 0 to 100.")
]

Row = TypeVar("Row", bound=Model)


class BadPage(Refusal):
    """The arguments of a page contradict each other or are out of range."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="BAD_USER_INPUT")


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Row]):
    """Rows with their cursors, in the order of the list."""

    rows: list[tuple[Row, str]]
    has_next_page: bool
    has_previous_page: bool


@described
@strawberry.type
class PageInfo:
    """The position of a page in its list (Relay)."""

    has_next_page: bool = strawberry.field(description="Whether more follow after `endCursor`.")
    has_previous_page: bool = strawberry.field(description="Whether more precede `startCursor`.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge; `null` on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge; `null` on an empty page.")

    @classmethod
    def of(cls, page: Page[Any]) -> Self:
        """The position of this page."""
        return cls(
            has_next_page=page.has_next_page,
            has_previous_page=page.has_previous_page,
            start_cursor=page.rows[0][1] if page.rows else None,
            end_cursor=page.rows[-1][1] if page.rows else None,
        )


def paginate(
    queryset: QuerySet[Row],
    *,
    info: Info,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page[Row]:
    """One page, in one statement with a LIMIT; takes a field's arguments, UNSET too. Raises BadPage."""
    first, last = (None if size is strawberry.UNSET else size for size in (first, last))
    after, before = after or None, before or None
    if first is not None and last is not None:
        raise BadPage("Give `first` or `last`, not both.")
    if first is None and last is None:
        first = DEFAULT_PAGE
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= LARGEST_PAGE:
            raise BadPage(f"`{name}` must be from 0 to {LARGEST_PAGE}.")
    try:
        _refuse_impossible_dates(queryset, (after, before))
        page, key = apply_cursor_pagination(
            queryset, info=info, first=first, after=after, last=last, before=before, max_results=LARGEST_PAGE
        )
        found = list(page)
    except (ValueError, OverflowError, RecursionError) as error:
        # Cursors are not signed; a forged value may fail as late as in the database adapter.
        raise BadPage("The cursor is not one of this list.") from error
    size = first or last or 0
    more = len(found) > size
    found = found[:size] if first is not None else found[:size][::-1]
    rows = [
        (row, to_base64(DjangoCursorEdge.CURSOR_PREFIX, OrderedCollectionCursor.from_model(row, key))) for row in found
    ]
    return Page(
        rows=rows,
        has_next_page=more if first is not None else before is not None,
        has_previous_page=more if last is not None else after is not None,
    )


def _refuse_impossible_dates(queryset: QuerySet[Row], cursors: Iterable[str | None]) -> None:
    """Raise ValueError or OverflowError for dates that are invalid or that no database can compare.

    Checked before the query: a DataError would break the caller's transaction.
    """
    for cursor in filter(None, cursors):
        _annotated, key, _order = annotate_ordering_fields(queryset)
        for value in OrderedCollectionCursor.from_cursor(cursor, key).field_values:
            if isinstance(value, datetime):
                if value.tzinfo is None:
                    raise ValueError("no offset")
                value.astimezone(UTC)

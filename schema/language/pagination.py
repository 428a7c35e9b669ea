"""Keyset pagination: a cursor is the position of its row, so that new rows do not shift later pages."""

import re
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any, Generic, Self, TypeVar

import strawberry
from django.db.models import Model, QuerySet

from accounts.shared import keyset
from accounts.shared.keyset import Part, Position
from schema.language.described import described
from schema.request.refusals import Refusal

DEFAULT_PAGE = 20
LARGEST_PAGE = 100

CURSOR = re.compile(r'orderedcursor(?P<order>(?::[A-Z_]+)*):\["(?P<value>.+)","(?P<key>[^"]+)"\]', re.DOTALL)
LONGEST_CURSOR = 200
"""The length that is decoded at most where the list is ordered by moments. Ours have up to 144 characters."""

First = Annotated[
    int | None, strawberry.argument(description="How many to return from the start, or after `after`: 0 to 100.")
]
Last = Annotated[
    int | None, strawberry.argument(description="How many to return from the end, or before `before`: 0 to 100.")
]

Row = TypeVar("Row")
ModelRow = TypeVar("ModelRow", bound=Model)


class BadPage(Refusal):
    """The arguments of a page contradict each other or are out of range."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="BAD_USER_INPUT")


@dataclass(frozen=True, kw_only=True)
class Cursors:
    """The cursors of lists in one order. Anybody can make one up: it is no secret, and is not signed."""

    order: str = ""
    """Tells cursors of different orders apart: `:USERNAME:ASC`. Empty for the newest first."""
    longest_text: int = 0
    """The length of the texts that the lists are ordered by; 0 for moments."""

    def cursor(self, value: Any, key: uuid.UUID) -> str:
        """The cursor of a position."""
        text = value if self.longest_text else value.isoformat()
        return b64encode(f'orderedcursor{self.order}:["{text}","{key}"]'.encode()).decode()

    def position(self, cursor: str) -> Position:
        """The position in a cursor. Raises BadPage for one of another order, or that no row can have.

        Checked before the query: a DataError would break the caller's transaction.
        """
        try:
            return self._decoded(cursor)
        except (ValueError, OverflowError) as error:
            raise BadPage("The cursor is not one of this list.") from error

    def _decoded(self, cursor: str) -> Position:
        # A character of a text has up to 4 bytes, which are up to 6 characters of base64.
        is_short = len(cursor) <= LONGEST_CURSOR + 6 * self.longest_text
        found = is_short and CURSOR.fullmatch(b64decode(cursor, validate=True).decode())
        if not found or found["order"] != self.order:
            raise ValueError("no position")
        value = self._text(found["value"]) if self.longest_text else _moment(found["value"])
        return Position(value, uuid.UUID(found["key"]))

    def _text(self, value: str) -> str:
        if len(value) > self.longest_text or "\0" in value:
            raise ValueError("no text of the list")
        return value


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment.astimezone(UTC)


NEWEST_FIRST = Cursors()


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Row]):
    """Rows in the order of the list."""

    rows: list[Row]
    position: Callable[[Row], tuple[Any, uuid.UUID]]
    cursors: Cursors
    has_next_page: bool
    has_previous_page: bool

    def cursor(self, row: Row) -> str:
        """The cursor of a row."""
        return self.cursors.cursor(*self.position(row))


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
            start_cursor=page.cursor(page.rows[0]) if page.rows else None,
            end_cursor=page.cursor(page.rows[-1]) if page.rows else None,
        )


def paginate(
    queryset: QuerySet[ModelRow],
    *,
    by: str,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page[ModelRow]:
    """One page of these rows, newest first by the moment in the field `by`. See `page_of`."""
    return page_of(
        lambda part: keyset.found_in(part, queryset, by=by),
        position=attrgetter(by, "pk"),
        first=first,
        after=after,
        last=last,
        before=before,
    )


def page_of(
    find: Callable[[Part], list[Row]],
    *,
    position: Callable[[Row], tuple[Any, uuid.UUID]],
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    cursors: Cursors = NEWEST_FIRST,
) -> Page[Row]:
    """One page of what `find` finds, in one statement with a LIMIT.

    Takes a field's arguments, UNSET too; an empty cursor is none. Raises BadPage.
    """
    first, last = (None if size is strawberry.UNSET else size for size in (first, last))
    if first is not None and last is not None:
        raise BadPage("Give `first` or `last`, not both.")
    if first is None and last is None:
        first = DEFAULT_PAGE
    for name, value in (("first", first), ("last", last)):
        if value is not None and not 0 <= value <= LARGEST_PAGE:
            raise BadPage(f"`{name}` must be from 0 to {LARGEST_PAGE}.")
    size = first or last or 0
    part = Part(
        after=cursors.position(after) if after else None,
        before=cursors.position(before) if before else None,
        from_end=last is not None,
        # One more tells whether more follow.
        limit=size + 1,
    )
    found = find(part)
    more = len(found) > size
    del found[size:]
    if part.from_end:
        found.reverse()
    return Page(
        rows=found,
        position=position,
        cursors=cursors,
        has_next_page=part.before is not None if part.from_end else more,
        has_previous_page=more if part.from_end else part.after is not None,
    )

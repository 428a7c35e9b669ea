"""Inputs about people."""

import enum

import strawberry

from accounts.people.directory import Order, OrderField
from schema.language.described import described


@described
@strawberry.enum
class UserOrderField(enum.Enum):
    """What public profiles can be ordered by."""

    DATE_JOINED = strawberry.enum_value("DATE_JOINED", description="When the account was created.")
    USERNAME = strawberry.enum_value(
        "USERNAME", description="The username, ignoring case, in the alphabetical order of the deployment's database."
    )


@described
@strawberry.enum
class OrderDirection(enum.Enum):
    """Which way an order goes."""

    ASC = strawberry.enum_value("ASC", description="Smallest, oldest or first letter first.")
    DESC = strawberry.enum_value("DESC", description="Largest, newest or last letter first.")


@described
@strawberry.input
class UserOrderInput:
    """An order of public profiles. Equal ones are ordered by their keys."""

    field: UserOrderField = strawberry.field(description="What they are ordered by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way the order goes.")

    def order(self) -> Order:
        """Map the input."""
        return Order(OrderField[self.field.name], descending=self.direction is OrderDirection.DESC)


@described
@strawberry.input
class UpdateAccountInput:
    """What to change. Fields that are left out, or null, stay as they are."""

    username: str | None = strawberry.field(
        default=strawberry.UNSET, description="Public name, under the same rules as at `register`."
    )
    first_name: str | None = strawberry.field(default=strawberry.UNSET, description="Given name, up to 150 characters.")
    last_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="Family name, up to 150 characters; empty to remove it."
    )
    locale: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The language of e-mails: a BCP 47 tag such as `de` or `pt-BR`, up to 35 characters.",
    )

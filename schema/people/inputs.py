"""Inputs about people."""

import strawberry

from schema.language.described import described


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

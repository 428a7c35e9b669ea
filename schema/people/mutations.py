"""Change one's own profile."""

from functools import partial
from typing import Annotated

import strawberry

from accounts.people import profile
from accounts.tokens import api as bearer_tokens
from schema.language.payload import mutation
from schema.people.inputs import UpdateAccountInput
from schema.people.payloads import UpdateAccountPayload
from schema.request.context import ApiInfo


@strawberry.type
class PeopleMutations:
    """The mutations of this room."""

    @mutation(UpdateAccountPayload)
    def update_account(
        self,
        info: ApiInfo,
        input: Annotated[UpdateAccountInput, strawberry.argument(description="What to change.")],
    ) -> UpdateAccountPayload:
        """Change the profile of the signed-in account.

        Reports the errors of all fields together; then nothing is changed.

        Codes: REQUIRED, TOO_LONG, INVALID_INPUT, USERNAME_TAKEN (also for a reserved username), RATE_LIMITED (with
        field `username`: the last change was too recent).
        """
        bearer = info.context.signed_in()
        updated = profile.update_account(
            account=bearer.account,
            lock=partial(bearer_tokens.locked_account, bearer),
            changes={name: value for name, value in vars(input).items() if isinstance(value, str)},
            caller=info.context.caller,
            client=bearer.client_name,
        )
        return UpdateAccountPayload(account=updated)  # type: ignore[arg-type]  # a row stands for its type

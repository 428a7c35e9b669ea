"""Change the e-mail address."""

from typing import Annotated

import strawberry

from accounts.addresses import change, undo
from schema.addresses.inputs import ConfirmEmailChangeInput, RequestEmailChangeInput
from schema.addresses.payloads import (
    CancelEmailChangePayload,
    ConfirmEmailChangePayload,
    RequestEmailChangePayload,
    UndoEmailChangePayload,
)
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.mails.types import MailedTokenInput
from schema.request.context import ApiInfo


@strawberry.type
class AddressMutations:
    """The mutations of this room."""

    @mutation(RequestEmailChangePayload, Credential())
    def request_email_change(
        self,
        info: ApiInfo,
        input: Annotated[RequestEmailChangeInput, strawberry.argument(description="The new address.")],
    ) -> RequestEmailChangePayload:
        """Ask for another e-mail address. Nothing changes until `confirmEmailChange`; an earlier request ends.

        The new address is mailed a link and a code, or, if an account has it, a mail that says so: the answer is the
        same. The present address is told, if it is verified.

        Codes: REAUTHENTICATION_REQUIRED, REQUIRED, INVALID_INPUT, RATE_LIMITED.
        """
        account = change.request_email_change(
            bearer=info.context.signed_in(), new_email=input.new_email, caller=info.context.caller
        )
        return RequestEmailChangePayload(account=account)  # type: ignore[arg-type]  # a row stands for its type

    @mutation(ConfirmEmailChangePayload, Credential())
    def confirm_email_change(
        self,
        info: ApiInfo,
        input: Annotated[ConfirmEmailChangeInput, strawberry.argument(description="The link's token or the code.")],
    ) -> ConfirmEmailChangePayload:
        """Confirm the new e-mail address with the mailed link or code. Sessions continue.

        Both need the Bearer token of the account that asked: otherwise a stranger could make you press a link that
        gives your mailbox to their account. The former address, if it was verified, is mailed a link for
        `undoEmailChange`.

        Codes: INVALID_CODE (also a link of another account), EXPIRED_CODE, EMAIL_TAKEN (another account has it by now),
        RATE_LIMITED.
        """
        account = change.confirm_email_change(
            bearer=info.context.signed_in(),
            token=input.token.value if input.token else "",
            typed=input.code.value if input.code else "",
            caller=info.context.caller,
        )
        return ConfirmEmailChangePayload(account=account)  # type: ignore[arg-type]  # a row stands for its type

    @mutation(CancelEmailChangePayload)
    def cancel_email_change(self, info: ApiInfo) -> CancelEmailChangePayload:
        """Withdraw a pending change of the e-mail address. Succeeds if none is pending.

        Codes: none.
        """
        account = change.cancel_email_change(bearer=info.context.signed_in())
        return CancelEmailChangePayload(account=account)  # type: ignore[arg-type]  # a row stands for its type

    @mutation(UndoEmailChangePayload, Anonymous(), Credential())
    def undo_email_change(
        self,
        info: ApiInfo,
        input: Annotated[MailedTokenInput, strawberry.argument(description="The token of the link.")],
    ) -> UndoEmailChangePayload:
        """Undo a change of the e-mail address with the link that was mailed to the former one, within 7 days.

        Ends every session, and removes the password and the social accounts that were linked since the change, or since
        a notice shortly before it. A link for choosing a new password is mailed to the address. Signs nobody in.

        Codes: INVALID_CODE, EXPIRED_CODE, EMAIL_TAKEN (another account has verified it meanwhile), RATE_LIMITED.
        """
        undo.undo_email_change(token=input.token, caller=info.context.caller)
        return UndoEmailChangePayload()

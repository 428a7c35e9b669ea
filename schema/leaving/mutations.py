"""Take one's data along, and leave."""

from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from accounts.leaving import deletion, disowning, export, grace
from accounts.tokens.sessions import belongs_to
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.leaving.inputs import CancelAccountDeletionInput, DeleteAccountInput
from schema.leaving.payloads import (
    CancelAccountDeletionPayload,
    DeleteAccountPayload,
    DisownRegistrationPayload,
    ExportAccountPayload,
)
from schema.mails.types import MailedTokenInput
from schema.request.context import ApiInfo
from schema.request.refusals import Forbidden


@strawberry.type
class LeavingMutations:
    """The mutations of this room."""

    @mutation(DeleteAccountPayload, Credential())
    def delete_account(
        self,
        info: ApiInfo,
        input: Annotated[
            DeleteAccountInput | None,
            strawberry.argument(description="Omit it unless Apple has to be told."),
        ] = strawberry.UNSET,
    ) -> DeleteAccountPayload:
        """Delete the signed-in account. Every session and token ends at once; clears the cookie.

        Some services keep the data for a grace period, in which a mailed link undoes the deletion: see `scheduledFor`.
        An account whose address is not verified is always deleted at once.

        With `appleCode`, Apple is told first; if Apple does not confirm it, nothing is deleted. The account of a member
        of staff is refused with the top-level error FORBIDDEN.

        Codes: REAUTHENTICATION_REQUIRED, PROVIDER_REJECTED (not a code of a linked identity), PROVIDER_UNAVAILABLE,
        RATE_LIMITED.
        """
        bearer = info.context.signed_in()
        cookie = info.context.cookie
        # Asked before its token is gone. Somebody else may have signed in with it meanwhile.
        own_cookie = cookie.allowed and cookie.token and belongs_to(cookie.token, bearer.account)
        try:
            deleted_at = deletion.delete_account(
                bearer=bearer,
                caller=info.context.caller,
                apple_code=(input.apple_code or "") if input else "",
            )
        except deletion.StaffAccount:
            raise Forbidden from None
        if own_cookie:
            cookie.clear()
        return DeleteAccountPayload(scheduled_for=deleted_at)

    @mutation(CancelAccountDeletionPayload, Anonymous(), Credential())
    def cancel_account_deletion(
        self,
        info: ApiInfo,
        input: Annotated[CancelAccountDeletionInput, strawberry.argument(description="The mailed token.")],
    ) -> CancelAccountDeletionPayload:
        """Undo a deletion within its grace period, with the token of the mailed link. Signs nobody in.

        Codes: INVALID_CODE, EXPIRED_CODE, RATE_LIMITED.
        """
        grace.cancel_account_deletion(token=input.token, caller=info.context.caller)
        return CancelAccountDeletionPayload()

    @mutation(DisownRegistrationPayload, Anonymous(), Credential())
    def disown_registration(
        self,
        info: ApiInfo,
        input: Annotated[MailedTokenInput, strawberry.argument(description="The token of the verification link.")],
    ) -> DisownRegistrationPayload:
        """Say "I did not sign up": delete the registration, or the account whose address was never verified.

        Takes the token of the link that `verifyEmail` takes. The account of a member of staff is refused with the
        top-level error FORBIDDEN.

        Codes: INVALID_CODE, EXPIRED_CODE (also once the address was verified), RATE_LIMITED.
        """
        try:
            disowning.disown_registration(token=input.token, caller=info.context.caller)
        except deletion.StaffAccount:
            raise Forbidden from None
        return DisownRegistrationPayload()

    @mutation(ExportAccountPayload)
    def export_account(self, info: ApiInfo) -> ExportAccountPayload:
        """Everything that is stored about the signed-in account, as JSON. Secrets and their hashes are left out.

        Codes: REAUTHENTICATION_REQUIRED, RATE_LIMITED.
        """
        data = export.export_account(bearer=info.context.signed_in(), caller=info.context.caller)
        return ExportAccountPayload(data=JSON(data))

"""Sign in by mail."""

from typing import Annotated

import strawberry

from accounts.conf import latchkey
from accounts.login_codes import asking, sign_in
from schema.language.directives import Anonymous, Credential
from schema.language.payload import mutation
from schema.login_codes.inputs import RequestLoginCodeInput, TokenAuthWithCodeInput
from schema.login_codes.payloads import RequestLoginCodePayload
from schema.mails.types import MailedCode
from schema.request.context import ApiInfo
from schema.request.refusals import Refusal
from schema.tokens.delivery import admit
from schema.tokens.payloads import AuthPayload


@strawberry.type
class LoginCodeMutations:
    """The mutations of this room."""

    @mutation(RequestLoginCodePayload, Anonymous(), Credential())
    def request_login_code(
        self,
        info: ApiInfo,
        input: Annotated[RequestLoginCodeInput, strawberry.argument(description="The address.")],
    ) -> RequestLoginCodePayload:
        """Mail a one-time code and a link for signing in without a password.

        Answers the same for known and unknown addresses. Refused with the top-level error FORBIDDEN if
        `authConfig.signInMethods` does not list EMAIL_CODE.

        Codes: REQUIRED, INVALID_INPUT, INVALID_CLIENT, RATE_LIMITED.
        """
        _require_switched_on()
        requested = asking.request_login_code(
            email=input.email, client_id=input.client_id or None, caller=info.context.caller
        )
        return RequestLoginCodePayload(mailed_code=MailedCode.of(requested))

    @mutation(AuthPayload, Anonymous(), Credential())
    def token_auth_with_code(
        self,
        info: ApiInfo,
        input: Annotated[TokenAuthWithCodeInput, strawberry.argument(description="The code or the link's token.")],
    ) -> AuthPayload:
        """Sign in with the mailed code, or with the token of the mailed link, for the client that asked for it.

        Also verifies the e-mail address: if it never was, the password, sessions and linked accounts from before end.
        Refused with the top-level error FORBIDDEN if `authConfig.signInMethods` does not list EMAIL_CODE.

        Codes: INVALID_CODE, EXPIRED_CODE, INVALID_CHALLENGE, MFA_REQUIRED, MFA_ENROLLMENT_REQUIRED, INVALID_CLIENT,
        INVALID_SCOPE, TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        _require_switched_on()
        grant, delivery = admit(input, info)
        code, link, caller = input.credential.code, input.credential.link_token, info.context.caller
        if code:
            account, tokens = sign_in.sign_in_by_code(
                challenge_token=code.value.challenge_token, typed=code.value.code, grant=grant, caller=caller
            )
        else:
            account, tokens = sign_in.sign_in_by_link(token=link.value if link else "", grant=grant, caller=caller)
        return delivery.signed_in(account, tokens)


def _require_switched_on() -> None:
    """Refuse the call before it does anything, whatever the address, unless the setting allows it."""
    if not latchkey().sign_in_by_mail:
        raise Refusal("Signing in by mail is switched off.", code="FORBIDDEN")

"""Prove again who one is."""

from typing import Annotated

import strawberry

from accounts.mfa.answering import RecoveryCode, TotpCode
from accounts.reauthentication import proving
from schema.language.directives import Credential
from schema.language.payload import mutation
from schema.mails.types import MailedCode
from schema.reauthentication.inputs import ReauthenticateInput
from schema.reauthentication.payloads import ReauthenticatePayload, RequestReauthenticationCodePayload
from schema.request.context import ApiInfo
from schema.social.mutations import presented


@strawberry.type
class ReauthenticationMutations:
    """The mutations of this room."""

    @mutation(ReauthenticatePayload, Credential())
    def reauthenticate(
        self,
        info: ApiInfo,
        input: Annotated[ReauthenticateInput, strawberry.argument(description="The credential.")],
    ) -> ReauthenticatePayload:
        """Prove again who you are, so that this session may make sensitive changes for some minutes.

        A sign-in is such a proof too. Other changes, reading, and ending sessions never need one.

        With a second factor on, it takes two calls, in any order: one with the password, a mailed code or a provider,
        and one with a code of the authenticator app or a recovery code. The first is kept, and its error says what is
        missing. A passkey needs no other call.

        Codes: INVALID_CREDENTIALS, INVALID_CODE, EXPIRED_CODE, INVALID_CHALLENGE, REQUIRED, PROVIDER_UNKNOWN,
        CREDENTIAL_NOT_SUPPORTED, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE, REDIRECT_URI_NOT_ALLOWED, PASSKEY_REJECTED,
        MFA_NOT_ENABLED, MFA_REQUIRED (now show a second factor), REAUTHENTICATION_REQUIRED (now show a first one),
        RATE_LIMITED.
        """
        bearer, caller, given = info.context.signed_in(), info.context.caller, input.credential
        password, code, social = given.password, given.email_code, given.social
        if code:
            expires_in = proving.by_mailed_code(
                bearer=bearer, challenge_token=code.value.challenge_token, typed=code.value.code, caller=caller
            )
        elif social:
            expires_in = proving.by_social_account(
                bearer=bearer,
                provider=social.value.provider,
                credential=presented(social.value.credential, social.value.nonce),
                caller=caller,
            )
        elif given.totp_code:
            expires_in = proving.by_factor(bearer=bearer, factor=TotpCode(given.totp_code.value), caller=caller)
        elif given.recovery_code:
            expires_in = proving.by_factor(bearer=bearer, factor=RecoveryCode(given.recovery_code.value), caller=caller)
        elif given.passkey:
            expires_in = proving.by_passkey(
                bearer=bearer,
                challenge_token=given.passkey.value.challenge_token,
                response=given.passkey.value.response,
                caller=caller,
            )
        else:
            expires_in = proving.by_password(bearer=bearer, password=password.value if password else "", caller=caller)
        return ReauthenticatePayload(expires_in=expires_in)

    @mutation(RequestReauthenticationCodePayload, Credential())
    def request_reauthentication_code(self, info: ApiInfo) -> RequestReauthenticationCodePayload:
        """Mail a code for `reauthenticate` to the address of the signed-in account.

        Codes: RATE_LIMITED.
        """
        requested = proving.request_code(bearer=info.context.signed_in(), caller=info.context.caller)
        return RequestReauthenticationCodePayload(mailed_code=MailedCode.of(requested))

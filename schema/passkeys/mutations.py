"""Passkeys: add, rename and remove them, and sign in with one."""

import uuid
from typing import Annotated

import strawberry

from accounts.factors.webauthn import rp_id
from accounts.passkeys import adding, managing, sign_in
from schema.language.directives import Anonymous, Credential
from schema.language.nodes import type_and_key
from schema.language.payload import mutation
from schema.passkeys.inputs import (
    AddPasskeyInput,
    CreatePasskeyAssertionInput,
    CreatePasskeyRegistrationInput,
    PasskeyPurpose,
    RemovePasskeyInput,
    RenamePasskeyInput,
    TokenAuthWithPasskeyInput,
)
from schema.passkeys.payloads import (
    AddPasskeyPayload,
    CreatePasskeyAssertionPayload,
    CreatePasskeyRegistrationPayload,
    RemovePasskeyPayload,
    RenamePasskeyPayload,
)
from schema.passkeys.types import Passkey, PasskeyCeremony
from schema.request.context import ApiInfo
from schema.request.refusals import Refusal
from schema.tokens.delivery import admit
from schema.tokens.payloads import AuthPayload


@strawberry.type
class PasskeyMutations:
    """The mutations of this room."""

    @mutation(CreatePasskeyRegistrationPayload, Credential())
    def create_passkey_registration(
        self,
        info: ApiInfo,
        input: Annotated[
            CreatePasskeyRegistrationInput | None, strawberry.argument(description="Omit it for the usual way.")
        ] = strawberry.UNSET,
    ) -> CreatePasskeyRegistrationPayload:
        """Options for creating a passkey, for `navigator.credentials.create`.

        It is for the signed-in account, whose address must be verified, or for that of an MfaEnrollmentChallenge.
        Refused with the top-level error FORBIDDEN if `authConfig.signInMethods` does not list PASSKEY.

        Codes: REAUTHENTICATION_REQUIRED, EMAIL_VERIFICATION_REQUIRED, INVALID_CHALLENGE, PASSKEY_REJECTED (the account
        has as many passkeys as it can have), RATE_LIMITED.
        """
        _require_switched_on()
        token = (input and input.challenge_token) or ""
        ceremony = adding.begin(
            bearer=None if token else info.context.signed_in(),
            challenge_token=token,
            automatic=bool(input and input.automatic),
            caller=info.context.caller,
        )
        return CreatePasskeyRegistrationPayload(ceremony=PasskeyCeremony.of(ceremony))

    @mutation(AddPasskeyPayload, Credential())
    def add_passkey(
        self,
        info: ApiInfo,
        input: Annotated[
            AddPasskeyInput, strawberry.argument(description="What `navigator.credentials.create` returned.")
        ],
    ) -> AddPasskeyPayload:
        """Store the passkey that the browser or phone made. The holder is mailed.

        It is for whoever called `createPasskeyRegistration`: send the same Bearer token, or none. Refused with the
        top-level error FORBIDDEN if `authConfig.signInMethods` does not list PASSKEY.

        Codes: REAUTHENTICATION_REQUIRED, EMAIL_VERIFICATION_REQUIRED, INVALID_CHALLENGE, PASSKEY_REJECTED, TOO_LONG,
        RATE_LIMITED.
        """
        _require_switched_on()
        added = adding.add(
            bearer=info.context.bearer,
            token=input.challenge_token,
            response=input.response,
            name=input.name or "",
            caller=info.context.caller,
        )
        return AddPasskeyPayload(
            passkey=Passkey.of(added.passkey),
            account=added.account if info.context.viewer else None,  # type: ignore[arg-type]  # a row stands for its type
            recovery_codes=added.recovery_codes,
        )

    @mutation(RenamePasskeyPayload)
    def rename_passkey(
        self,
        info: ApiInfo,
        input: Annotated[RenamePasskeyInput, strawberry.argument(description="The passkey and its new name.")],
    ) -> RenamePasskeyPayload:
        """Rename a passkey.

        Codes: NOT_FOUND, REQUIRED, TOO_LONG.
        """
        passkey = managing.rename(
            bearer=info.context.signed_in(), key=_key(input.id), name=input.name, caller=info.context.caller
        )
        return RenamePasskeyPayload(passkey=Passkey.of(passkey))

    @mutation(RemovePasskeyPayload)
    def remove_passkey(
        self,
        info: ApiInfo,
        input: Annotated[RemovePasskeyInput, strawberry.argument(description="The passkey.")],
    ) -> RemovePasskeyPayload:
        """Remove a passkey. The last sign-in method is never removed. The holder is mailed.

        Needs a recent proof of who you are: a sign-in or `reauthenticate`. Recovery codes go with the last factor.

        Codes: REAUTHENTICATION_REQUIRED, NOT_FOUND, LAST_SIGN_IN_METHOD.
        """
        account = managing.remove(bearer=info.context.signed_in(), key=_key(input.id), caller=info.context.caller)
        return RemovePasskeyPayload(deleted_passkey_id=input.id, account=account)  # type: ignore[arg-type]

    @mutation(CreatePasskeyAssertionPayload, Credential())
    def create_passkey_assertion(
        self,
        info: ApiInfo,
        input: Annotated[
            CreatePasskeyAssertionInput | None,
            strawberry.argument(description="What the passkey is asked for; omit it to sign in."),
        ] = strawberry.UNSET,
    ) -> CreatePasskeyAssertionPayload:
        """Options for using a passkey, for `navigator.credentials.get`.

        To sign in, to answer an MfaChallenge, or to reauthenticate. Signing in needs no username: the options name no
        passkey, and fit a conditional request, too. Refused with the top-level error FORBIDDEN if
        `authConfig.signInMethods` does not list PASSKEY.

        Codes: INVALID_CHALLENGE, INVALID_CLIENT, RATE_LIMITED.
        """
        _require_switched_on()
        given = input or CreatePasskeyAssertionInput()
        caller = info.context.caller
        match given.purpose:
            case PasskeyPurpose.SECOND_FACTOR:
                ceremony = sign_in.ask_for_factor(challenge_token=given.challenge_token or "", caller=caller)
            case PasskeyPurpose.REAUTHENTICATION:
                ceremony = sign_in.ask_to_reauthenticate(bearer=info.context.signed_in())
            case _:
                ceremony = sign_in.ask_to_sign_in(client_id=given.client_id or None, caller=caller)
        return CreatePasskeyAssertionPayload(ceremony=PasskeyCeremony.of(ceremony))

    @mutation(AuthPayload, Anonymous(), Credential())
    def token_auth_with_passkey(
        self,
        info: ApiInfo,
        input: Annotated[
            TokenAuthWithPasskeyInput, strawberry.argument(description="What `navigator.credentials.get` returned.")
        ],
    ) -> AuthPayload:
        """Sign in with a passkey, which has to verify its user: it is both factors.

        If the passkey is unknown here, the `field` of PASSKEY_REJECTED ends with `response`, `id`: then, and only then,
        tell the authenticator with `PublicKeyCredential.signalUnknownCredential`. Refused with the top-level error
        FORBIDDEN if `authConfig.signInMethods` does not list PASSKEY.

        Codes: INVALID_CHALLENGE, PASSKEY_REJECTED, INVALID_CLIENT, INVALID_SCOPE, TRANSPORT_NOT_ALLOWED, RATE_LIMITED.
        """
        _require_switched_on()
        grant, delivery = admit(input, info)
        account, tokens = sign_in.sign_in(
            token=input.passkey.challenge_token,
            response=input.passkey.response,
            grant=grant,
            caller=info.context.caller,
        )
        return delivery.signed_in(account, tokens)


def _key(global_id: str) -> uuid.UUID | None:
    """The key in the global id of a Passkey; None for any other id."""
    name, key = type_and_key(global_id)
    return key if name == Passkey.__name__ else None


def _require_switched_on() -> None:
    """Refuse the call before it does anything where passkeys have no domain."""
    if not rp_id():
        raise Refusal("Passkeys are switched off.", code="FORBIDDEN")

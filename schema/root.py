"""The schema: one per process."""

import strawberry
from graphql import is_input_object_type
from strawberry.schema.config import StrawberryConfig

from schema.addresses.mutations import AddressMutations
from schema.auth_config import AuthConfigQueries
from schema.language.described import described
from schema.language.directives import check_marks
from schema.language.gate import AdmittedOnly
from schema.language.resolvers import unwrap
from schema.language.scalars import SCALARS
from schema.leaving.mutations import LeavingMutations
from schema.login_codes.mutations import LoginCodeMutations
from schema.mfa.challenges import MfaChallenge, MfaEnrollmentChallenge
from schema.mfa.mutations import MfaMutations
from schema.nodes import NodeQueries
from schema.passkeys.mutations import PasskeyMutations
from schema.passwords.mutations import PasswordMutations
from schema.people.mutations import PeopleMutations
from schema.people.queries import PeopleQueries
from schema.reauthentication.mutations import ReauthenticationMutations
from schema.social.challenges import LinkChallenge, ProfileChallenge
from schema.social.mutations import SocialMutations
from schema.tokens.mutations import TokenMutations
from schema.verification.challenges import EmailVerificationChallenge
from schema.verification.mutations import VerificationMutations


@described
@strawberry.type
class Query(PeopleQueries, NodeQueries, AuthConfigQueries):
    """Everything that can be read."""


@described
@strawberry.type
class Mutation(
    PasswordMutations,
    LoginCodeMutations,
    VerificationMutations,
    AddressMutations,
    TokenMutations,
    ReauthenticationMutations,
    MfaMutations,
    PasskeyMutations,
    SocialMutations,
    PeopleMutations,
    LeavingMutations,
):
    """Everything that can be changed.

    Send one mutation per operation: an operation may hold at most one field that takes a credential.

    Expected failures come back in `errors` of the payload with HTTP 200. Top-level errors (UNAUTHENTICATED, FORBIDDEN,
    BAD_USER_INPUT, INTERNAL_SERVER_ERROR) mean that nothing was done.
    """


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=[EmailVerificationChallenge, LinkChallenge, MfaChallenge, MfaEnrollmentChallenge, ProfileChallenge],
    execution_context_class=AdmittedOnly,
    config=StrawberryConfig(scalar_map=SCALARS),
)

for _type in schema._schema.type_map.values():  # noqa: SLF001 - no public name
    if is_input_object_type(_type) and _type.extensions["strawberry-definition"].is_one_of:
        # Strawberry checks it during execution, too late for a 400, and misses cases; graphql-core's own rules check
        # literals and variables alike.
        _type.is_one_of = True

check_marks(schema._schema)  # noqa: SLF001
unwrap(schema._schema)  # noqa: SLF001

"""At most one credential an operation, and the mark stands wherever it has to."""

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from accounts.people.models import Account
from schema.language.directives import Anonymous, Credential, declares
from schema.root import schema
from tests.api import PASSWORD

MUTATION = schema._schema.mutation_type
SECRET_INPUTS = ("password", "token", "secret", "code", "credential")
LOGIN = 'tokenAuth(input: {{email: "ada@example.com", password: "guess{}"}}) {{ errors {{ code }} }}'
REGISTER = (
    'register(input: {email: "new@example.com", username: "new", firstName: "New", password: "PASSWORD"})'
    " { errors { code } }"
).replace("PASSWORD", PASSWORD)


def inputs_of(field) -> set[str]:
    """The names of everything that a field takes, nested inputs included."""
    names, pending = set(), [*field.args.items()]
    while pending:
        name, argument = pending.pop()
        names.add(name)
        if isinstance(named := get_named_type(argument.type), GraphQLInputObjectType):
            pending.extend(named.fields.items())
    return names


def test_every_field_that_takes_a_credential_or_mints_a_token_carries_the_mark():
    """S39: read off the schema, so that a new field cannot be forgotten."""
    for name, field in MUTATION.fields.items():
        takes = any(part in given.lower() for given in inputs_of(field) for part in SECRET_INPUTS)
        mints = get_named_type(field.type).name == "AuthPayload"
        assert declares(field, Credential) or not (takes or mints), name


def test_no_query_takes_a_credential():
    """So that GET, which caches and logs see, never carries one."""
    for name, field in schema._schema.query_type.fields.items():
        assert not declares(field, Credential), name
        assert not any(part in given.lower() for given in inputs_of(field) for part in SECRET_INPUTS), name


def test_only_these_fields_ignore_the_authorization_header():
    """S23: a list that a review has to read."""
    fields = {**MUTATION.fields, **schema._schema.query_type.fields}

    assert {name for name, field in fields.items() if declares(field, Anonymous)} == {
        "register",
        "tokenAuth",
        "refreshToken",
        "convertSocialToken",
        "answerProfileChallenge",
        "createSocialNonce",
        "revokeToken",
        "requestPasswordReset",
        "resetPassword",
        "secureAccount",
        "requestLoginCode",
        "tokenAuthWithCode",
        "tokenAuthWithPasskey",
        "resendVerification",
        "answerEmailVerificationChallenge",
        "answerMfaChallenge",
        "answerMfaEnrollmentChallenge",
        "undoEmailChange",
        "cancelAccountDeletion",
        "disownRegistration",
        "authConfig",
    }


A = f"a: {LOGIN.format(1)}"
TWO = {
    "aliases": f"mutation {{ {A} b: {REGISTER} }}",
    "fragments": f"mutation {{ ...A ...B }} fragment A on Mutation {{ {A} }} fragment B on Mutation {{ {REGISTER} }}",
    "inline fragments": f"mutation {{ ... on Mutation {{ {A} }} ... {{ {REGISTER} }} }}",
    "nested fragments": "mutation { ...A } "
    f"fragment A on Mutation {{ ...B {REGISTER} }} fragment B on Mutation {{ {A} }}",
    "directives": f"mutation {{ ... @include(if: false) {{ {A} }} {REGISTER} }}",
    "25 guesses": "mutation { " + " ".join(f"a{n}: {LOGIN.format(n)}" for n in range(25)) + " }",
}


@pytest.mark.parametrize("text", TWO.values(), ids=TWO)
def test_two_credentials_in_one_operation_are_refused(graphql, text):
    """S39: before anything runs."""
    answer = graphql(text)

    assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])
    assert not Account.objects.exists()

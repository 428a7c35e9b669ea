"""The schema as a promise: documented, committed, and honest about its codes."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from graphql import (
    DirectiveLocation,
    GraphQLEnumType,
    GraphQLObjectType,
    build_schema,
    is_specified_directive,
    is_specified_scalar_type,
    print_schema,
)

import accounts
from accounts.errors import AccountsError
from schema.language import directives
from schema.language.payload import AuthErrorCode
from schema.root import schema
from tests.codes_plugin import listed_codes
from tests.schema import agreed

COMMITTED = Path(__file__).resolve().parent.parent.parent / "schema" / "schema.graphql"
GRAPHQL: Any = schema._schema
TYPES: dict[str, Any] = {
    name: type_
    for name, type_ in GRAPHQL.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(type_)
}
MUTATIONS = GRAPHQL.mutation_type.fields


def members_of(type_):
    """The fields of a type, or the values of an enum, by name."""
    return type_.values if isinstance(type_, GraphQLEnumType) else getattr(type_, "fields", {})


def described():
    """Every place of the schema that has a description, by its coordinate."""
    for name, type_ in TYPES.items():
        yield name, type_.description
        for member_name, member in members_of(type_).items():
            yield f"{name}.{member_name}", member.description
            for argument_name, argument in getattr(member, "args", {}).items():
                yield f"{name}.{member_name}({argument_name}:)", argument.description
    for directive in GRAPHQL.directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description


def test_everything_has_a_description():
    """GraphiQL and generated types show them; each ends as a sentence does."""
    missing = [coordinate for coordinate, text in described() if not (text or "").strip()]

    assert missing == []


def test_the_committed_schema_is_the_built_one():
    """`make schema` was run: a review sees every change of the API."""
    assert COMMITTED.read_text().strip() == schema.as_str().strip()


def test_the_committed_schema_is_valid_and_says_the_same():
    """Front ends generate code from the file alone."""
    built = build_schema(COMMITTED.read_text())

    assert set(built.type_map) >= set(TYPES)
    assert print_schema(built).count("type Mutation") == 1


def test_there_is_a_code_for_each_leaf_of_the_domains_tree():
    """One source: the exceptions."""
    rooms = walk_packages(accounts.__path__, "accounts.")
    modules = [import_module(module.name) for module in rooms if module.name.endswith(".errors")]
    leaves = {
        error.code
        for module in modules
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, AccountsError) and "code" in vars(error)
    }

    assert {code.value for code in AuthErrorCode} == leaves
    assert leaves == set(TYPES["AuthErrorCode"].values)
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code) for code in leaves)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_lists_its_codes(mutation):
    """And each of them exists."""
    codes = listed_codes(mutation)

    assert codes or "Codes: none." in MUTATIONS[mutation].description
    assert set(codes) <= set(TYPES["AuthErrorCode"].values)
    assert len(codes) == len(set(codes))


def test_no_code_is_listed_nowhere():
    """What no mutation can answer has no place in the enum."""
    listed = {code for mutation in MUTATIONS for code in listed_codes(mutation)}

    assert listed == set(TYPES["AuthErrorCode"].values)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_has_one_input_and_a_payload_with_errors(mutation):
    """The conventions of the contract."""
    field = MUTATIONS[mutation]

    assert set(field.args) <= {"input"}
    assert str(field.type).endswith("Payload!")
    assert str(field.type.of_type.fields["errors"].type) == "[AuthError!]!"


ENDING_SESSIONS = {"revokeSession", "revokeOtherSessions", "revokeAllSessions"}
WITHOUT_CREDENTIAL = {
    "cancelEmailChange",
    "createSocialNonce",
    "disableTotp",
    "exportAccount",
    "regenerateRecoveryCodes",
    "removePasskey",
    "renamePasskey",
    "updateAccount",
    *ENDING_SESSIONS,
}
BY_VIEWER = {
    "addPasskey",
    "cancelEmailChange",
    "changePassword",
    "confirmEmailChange",
    "confirmTotpEnrollment",
    "createPasskeyAssertion",
    "createPasskeyRegistration",
    "createSocialAuthUrl",
    "createTotpEnrollment",
    "deleteAccount",
    "disableTotp",
    "exportAccount",
    "linkSocialAccount",
    "reauthenticate",
    "regenerateRecoveryCodes",
    "removePasskey",
    "renamePasskey",
    "requestEmailChange",
    "requestReauthenticationCode",
    "unlinkSocialAccount",
    "updateAccount",
    "verifyEmail",
    *ENDING_SESSIONS,
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_whatever_takes_a_credential_is_marked(mutation):
    """S39: @credential stands at the field, and what signs in runs signed out."""
    field = MUTATIONS[mutation]

    assert directives.declares(field, directives.Credential) is (mutation not in WITHOUT_CREDENTIAL)
    assert directives.declares(field, directives.Anonymous) is (mutation not in BY_VIEWER)


def test_no_query_takes_a_credential_or_runs_with_a_bad_bearer():
    """S23: but `authConfig`, which is the same for everyone."""
    for name, field in GRAPHQL.query_type.fields.items():
        assert not directives.declares(field, directives.Credential)
        assert directives.declares(field, directives.Anonymous) is (name == "authConfig")


def test_the_marks_stand_in_the_committed_schema():
    """A review sees them."""
    text = COMMITTED.read_text()

    for mutation in MUTATIONS:
        marks = "" if mutation in BY_VIEWER else " @anonymous"
        marks += "" if mutation in WITHOUT_CREDENTIAL else " @credential"
        assert re.search(rf"^  {mutation}(?:\((?:(?!^  \w).)*?\))?: \w+!{marks}$", text, re.DOTALL | re.MULTILINE)
    for directive in GRAPHQL.directives:
        if directive.name in {"anonymous", "credential"}:
            assert directive.locations == (DirectiveLocation.FIELD_DEFINITION,)


def test_only_node_and_nodes_return_an_interface():
    """S65: every other field says what it is."""
    found = {
        f"{name}.{field_name}"
        for name, type_ in TYPES.items()
        if isinstance(type_, GraphQLObjectType)
        for field_name, field in type_.fields.items()
        if "Node]" in str(field.type) or str(field.type).strip("!") == "Node"
    }

    assert found == {"Query.node", "Query.nodes"}


def test_optional_inputs_have_no_default_of_null():
    """Trap 34: `= null` would tell clients apart that leave a field out and that send null."""
    assert "= null" not in COMMITTED.read_text()


def test_no_secret_leaves_but_the_tokens():
    """Nothing of an account's password or keys is in any output type; only its own front end learns its roles."""
    outputs = {
        field_name for type_ in TYPES.values() if isinstance(type_, GraphQLObjectType) for field_name in type_.fields
    }

    assert not outputs & {
        "password",
        "isSuperuser",
        "usernameKey",
        "clientSecret",
        "tokenChecksum",
    }
    roles = {"isStaff", "groups", "permissions"}
    assert {name for name, type_ in TYPES.items() if roles & set(getattr(type_, "fields", {}))} == {"Account"}


def test_the_names_are_those_of_the_contract():
    """Names never have to change: what was agreed is there."""
    for type_name, fields in agreed.ROOTS.items():
        assert fields <= set(TYPES[type_name].fields)
    for type_name, values in agreed.VALUES.items():
        assert values <= set(TYPES[type_name].values)
    assert "email" not in TYPES["User"].fields
    assert "totalCount" not in TYPES["UserConnection"].fields


@pytest.mark.parametrize("line", agreed.FIELDS.split("\n")[1:-1])
def test_a_field_is_as_agreed(line):
    """Its name, its arguments, its type and whether it can be null."""
    type_name, name = re.match(r"(\w+)\.(\w+)", line).groups()
    field = TYPES[type_name].fields[name]
    arguments = ", ".join(f"{name}: {argument.type}" for name, argument in getattr(field, "args", {}).items())

    assert f"{type_name}.{name}{arguments and f'({arguments})'}: {field.type}" == line


def test_the_types_of_this_part_have_no_other_fields():
    """A field that was not agreed is a name that may have to change; those here were added on purpose."""
    listed = set(re.findall(r"^(\w+\.\w+)", agreed.FIELDS, re.MULTILINE))
    of_others = {"Account", "AuthConfig", "Mutation", "Query", "RegisterInput"}
    whole = {coordinate.partition(".")[0] for coordinate in listed} - of_others
    served = {f"{type_name}.{name}" for type_name in whole for name in TYPES[type_name].fields}

    assert served - listed == {
        "Session.device",
        "Session.remembersBrowser",
        "CreatePasskeyAssertionInput.clientId",
    }

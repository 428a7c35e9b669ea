"""The worst that we know a stranger can send within the limits of a request, one for each way to spend CPU (S80)."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import urlencode

from graphql import get_introspection_query

JSON = (("Content-Type", "application/json"),)
BODY = 128 * 1024
QUERY = 64 * 1024 - 16
HEADER = 8000


@dataclass(frozen=True)
class Worst:
    """A request."""

    name: str
    body: bytes = b""
    method: str = "POST"
    path: str = "/graphql"
    headers: tuple[tuple[str, str], ...] = JSON


def filled(before: str, item: str, after: str, *, size: int = BODY) -> str:
    """`item` as often as there is room."""
    return before + item * ((size - len(before) - len(after)) // len(item)) + after


def raw(name: str, text: str) -> Worst:
    """A body that need not be JSON."""
    return Worst(name, text.encode()[:BODY])


def query(name: str, text: str, **variables: object) -> Worst:
    """An operation."""
    return Worst(name, json.dumps({"query": text, "variables": variables}, ensure_ascii=False).encode())


def many(template: str, count: int) -> str:
    """The template with each number."""
    return " ".join(template.replace("%", str(number)) for number in range(count))


LOGIN = "mutation ($i: TokenAuthInput!) { tokenAuth(input: $i) { errors { code } } }"
SIGN_UP = "mutation ($i: RegisterInput!) { register(input: $i) { errors { code field } } }"
CONVERT = "mutation ($i: ConvertSocialTokenInput!) { convertSocialToken(input: $i) { errors { code } } }"
AUTH_URL = "mutation ($i: CreateSocialAuthUrlInput!) { createSocialAuthUrl(input: $i) { errors { code } } }"
LOGIN_CODE = "mutation ($i: RequestLoginCodeInput!) { requestLoginCode(input: $i) { errors { code } } }"
PASSKEY = "mutation ($i: TokenAuthWithPasskeyInput!) { tokenAuthWithPasskey(input: $i) { errors { code } } }"
ASK_PASSKEY = "mutation ($i: CreatePasskeyAssertionInput!) { createPasskeyAssertion(input: $i) { errors { code } } }"
WITH_CODE = "mutation ($i: TokenAuthWithCodeInput!) { tokenAuthWithCode(input: $i) { errors { code } } }"
REFRESH = "mutation ($i: RefreshTokenInput!) { refreshToken(input: $i) { errors { code } } }"
REQUEST_RESET = "mutation ($i: RequestPasswordResetInput!) { requestPasswordReset(input: $i) { errors { code } } }"
RESET = "mutation ($i: ResetPasswordInput!) { resetPassword(input: $i) { errors { code } } }"
LONG_PASSWORD = "plumtree window " * 60
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
MARKS = "\u0301\u0316"
"""Combining marks in the order that normalisation has to turn round."""
FULL = 120_000
"""Characters of one value."""


def person(**fields: str) -> dict[str, str]:
    """Input of `register`."""
    return {"email": "a@example.com", "username": "ada", "firstName": "Ada", "password": "correct horse", **fields}


BODIES = [
    raw("body: codecode…", filled("", "code", "")),
    raw("body: code=code=…", filled("", "code=", "")),
    raw('body: code="code="…', filled("", 'code="', "")),
    raw("body: code\\\\\\\\…", filled("", 'code="\\', "")),
    raw("body: backslashes", filled('code="', "\\", "")),
    raw("body: code and blanks", filled("", "code ", "")),
    raw('body: code=" and blanks', filled("code", " ", "")),
    raw("body: many secrets", filled("", 'code="%%%%%%%",', "")),
    raw("body: many different secrets", many('code="a%aaaa"', 8500)),
    raw("body: [[[[", filled("", "[", "")),
    raw("body: long number", filled("", "1", "")),
    raw("body: a batch", filled("[", '{"query":"{me{id}}"},', "{}]")),
    raw("body: a batch of a hundred", filled("[", '{"query":"{me{id}}"},', "{}]", size=2200)),
    raw("body: objects", filled("[", "{},", "{}]")),
    raw("body: escapes", filled('{"query": "', "\\u0061", '"}')),
    raw("body: half a pair", filled('{"query": "', "\\ud83d", '"}')),
    raw("body: many keys", "{" + many('"k%":0,', 11000) + '"query":"{ me }"}'),
]
DOCUMENTS = [
    query("document: text without a brace", "a" * QUERY),
    query("document: comments", filled("{ me { id } }", "#\n", "", size=QUERY)),
    query(
        "document: 3,900 comments and then a long one", filled("#\n" * 3900 + "{ me { id } } #", "a", "", size=QUERY)
    ),
    query("document: commas", filled("{ me { id }", ",", "}", size=QUERY)),
    query("document: line ends and an error", filled("{ me { id }", "\n", "nope }", size=QUERY)),
    query("document: a long name", filled("{ ", "a", " }", size=QUERY)),
    query("document: long names", "{" + " ".join(f"{'a' * 2000}{n}" for n in range(32)) + "}"),
    query("document: a long string", filled('{ node(id: "', "a", '") { id } }', size=QUERY)),
    query("document: a long string with escapes", filled('{ node(id: "', "\\u{61}", '") { id } }', size=QUERY)),
    query("document: a block string", filled('{ node(id: """', " a\n", '""") { id } }', size=QUERY)),
    query("document: a block string of line ends", filled('{ node(id: """', "\n", '""") { id } }', size=QUERY)),
    query("document: a block string of quotes", filled('{ node(id: """', '\\"""', '""") { id } }', size=QUERY)),
    query("document: an open string", filled('{ node(id: "', "a", "", size=QUERY)),
    query(
        "document: a long string where an object belongs",
        filled('mutation { tokenAuth(input: "', "a", '") { errors { code } } }', size=QUERY),
    ),
    query(
        "document: quotes where an object belongs",
        filled('mutation { tokenAuth(input: "', '\\"', '") { errors { code } } }', size=QUERY),
    ),
    query(
        "document: a value with our words",
        filled('mutation { tokenAuth(input: "', " cannot represent value", '") { errors { code } } }', size=QUERY),
    ),
    query(
        "document: a number with our words",
        filled('{ users(first: "', " cannot represent a", '") { nodes { id } } }', size=QUERY),
    ),
    query("document: a number for a word", filled("{ users(first: ", "1", ") { nodes { id } } }", size=QUERY)),
    query("document: an enum for a word", filled("{ users(first: ", "a", ") { nodes { id } } }", size=QUERY)),
    query("document: a syntax error with quotes", filled('{ a "', "'", '" }', size=QUERY)),
    query("document: unknown fields", "{" + many("a%", 3900) + "}"),
    query("document: 500 unknown fields", "{" + many("a%", 480) + "}"),
    query("document: unknown arguments", "{ users(" + many("a%:1", 1200) + ") { nodes { id } } }"),
    query("document: one argument many times", "{ users(" + "first:1 " * 1200 + ") { nodes { id } } }"),
    query(
        "document: unknown input fields",
        "mutation { tokenAuth(input: {" + many("a%:1", 1200) + "}) { errors { code } } }",
    ),
    query(
        "document: unknown input fields with lists",
        "mutation { tokenAuth(input: {" + many("a%:[[]]", 600) + "}) { errors { code } } }",
    ),
    query(
        "document: one input field many times",
        "mutation { tokenAuth(input: {" + "email:1 " * 1200 + "}) { errors { code } } }",
    ),
    query(
        "document: a list where an object belongs",
        "mutation { tokenAuth(input: [" + "1 " * 3900 + "]) { errors { code } } }",
    ),
    query("document: objects where an ID belongs", "{ nodes(ids: [" + "{} " * 1900 + "]) { id } }"),
    query("document: nested lists", "{ nodes(ids: " + "[" * 1900 + "]" * 1900 + ") { id } }"),
    query(
        "document: 100 nested objects",
        "mutation { tokenAuth(input: " + "{email:" * 180 + "1" + "}" * 180 + ") { errors { code } } }",
    ),
    query(
        "document: a broken list in each of many", "{" + " ".join("nodes(ids:[{}])" + "{id}" for _ in range(280)) + "}"
    ),
    query("document: a literal many times", "{ nodes(ids: [" + '"" ' * 3900 + "]) { id } }"),
    query("document: a default", "query ($a: [ID!] = [" + "{} " * 1900 + "]) { nodes(ids: $a) { id } }"),
    query("document: variables that are not used", "query (" + many("$a%:Int", 960) + ") { me { id } }"),
    query("document: one variable many times", "query (" + "$a:Int " * 960 + ") { me { id } }"),
    query("document: variables of unknown types", "query (" + many("$a%:A%", 960) + ") { me { id } }"),
    query("document: variables that are not defined", "{" + many("users(first:$a%){nodes{id}}", 240) + "}"),
    query("document: a directive many times", "{ me " + "@skip(if: true) " * 50 + "{ id } }"),
    query("document: directives", "{ me " + "@a " * 1900 + "{ id } }"),
    query("document: a literal in a directive", "{ me @skip(if: [" + "{} " * 1900 + "]) { id } }"),
    query("document: many operations", many("query q% { __typename }", 480)),
    query(
        "document: operations that share fragments",
        many("query q% { ...f0 }", 300) + many("fragment f% on Query { ...g% }", 220).replace("g", "f0 ...f"),
    ),
    query(
        "document: operations that share a chain",
        many("query q% { ...f0 }", 300)
        + "".join(f" fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(200))
        + " fragment f200 on Query { __typename }",
    ),
    query(
        "document: the same with variables",
        many("query q%($a:Int) { ...f0 }", 200)
        + "".join(f" fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(150))
        + " fragment f150 on Query { users(first:$a) { nodes { id } } }",
    ),
    query(
        "document: fragments that nothing spreads",
        "{ __typename }" + " ".join(f"fragment f{n} on Query {{ me {{ id }} }}" for n in range(390)),
    ),
    query(
        "document: unspread fragments with one name",
        "{ __typename }" + " ".join(f"fragment f{n} on Query {{ {'me{id}' * 30} }}" for n in range(30)),
    ),
    query(
        "document: unspread fragments that spread each other",
        "{ __typename }"
        + " ".join(
            f"fragment f{n} on Query {{ {' '.join(f'...f{m}' for m in range(28) if m != n)} me {{ id }} }}"
            for n in range(28)
        ),
    ),
    query(
        "document: spread fragments that spread each other",
        "{ ...f0 }"
        + " ".join(
            f"fragment f{n} on Query {{ {' '.join(f'...f{m}' for m in range(28) if m != n)} me {{ id }} }}"
            for n in range(28)
        ),
    ),
    query(
        "document: a grid of fragments",
        "{ ...f0_0 }"
        + " ".join(
            f"fragment f{n}_{k} on Query {{ {' '.join(f'...f{n + 1}_{m}' for m in range(8))} }}"
            for n in range(24)
            for k in range(8)
        )
        + " ".join(f" fragment f24_{k} on Query {{ __typename }}" for k in range(8)),
    ),
    query(
        "document: a cycle",
        "{ ...f0 }" + " ".join(f"fragment f{n} on Query {{ ...f{(n + 1) % 300} }}" for n in range(300)),
    ),
    query(
        "document: a cycle and line ends",
        "{ ...f0 }" + ("\n" * 100).join(f"fragment f{n} on Query {{ ...f{(n + 1) % 300} }}" for n in range(300)),
    ),
    query("document: one field 480 times", "{" + "__typename " * 480 + "}"),
    query("document: one field with arguments 240 times", "{" + "users(first:1){nodes{id}}" * 160 + "}"),
    query("document: nested fields that have to merge", "{" + "me{publicProfile{id username}}" * 120 + "}"),
    query("document: conflicts", "{" + many("users(first:%){nodes{id}}", 160) + "}"),
    query("document: conflicts of literals", "{" + many('nodes(ids:["%" "b" "c" "d" "e" "f"]){id}', 200) + "}"),
    query("document: conflicts below", "{" + many("me{a:id a:email}", 14) + "}"),
    query("document: inline fragments", "{" + "...{" * 180 + "me{id}" + "}" * 180 + "}"),
    query("document: many inline fragments", "{" + "...{...{...{...{me{id}}}}}" * 200 + "}"),
    query("document: empty inline fragments", "{ me { id } " + "...on Query{__typename}" * 480 + "}"),
    query(
        "document: unions of types",
        "{" + "node(id:1){...on User{id} ...on SocialAccount{id} ...on Node{id}}" * 60 + "}",
    ),
    query("document: possible fragments", "{ node(id:1){" + "...on Account{id}" * 480 + "}}"),
    query("document: unknown types", "{ me {" + many("...on A%{id}", 480) + "}}"),
    query("document: descriptions", '"a" ' * 1 + "query { me { id } }"),
    query("document: valid at the limit of fields", "{" + "me { id email username firstName lastName } " * 80 + "}"),
    query(
        "document: introspection",
        "{ __schema { types { "
        + "fields { args { type { name } } type { name ofType { name ofType { name } } } } " * 12
        + "} } }",
    ),
    query(
        "document: introspection with aliases",
        "{ __schema { types { "
        + many(
            "a%: fields { name args { name description type { name kind ofType { name kind ofType { name } } } } }", 29
        )
        + "} } }",
    ),
    query(
        "document: nested introspection",
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    ),
    query(
        "document: introspection around",
        "{ __schema { types { possibleTypes { interfaces { possibleTypes { interfaces { possibleTypes { name } } } } } } } }",
    ),
    query(
        "document: a type many times",
        "{" + many('a%: __type(name: "Account") { fields { name description type { name } args { name } } }', 29) + "}",
    ),
    query("document: users at the limit of cost", "{" + many("a%: users(first: 100) { nodes { id } }", 24) + "}"),
    query(
        "document: users with edges",
        "{" + many("a%: users(first: 100) { edges { node { id username firstName lastName dateJoined } } }", 7) + "}",
    ),
    query("document: users by a wide selection", "{ users(first: 100) { nodes {" + "id " * 48 + "} } }"),
    query(
        "document: users by a wide selection of aliases",
        "{ users(first: 100) { nodes {" + many("a%: id", 29) + many("b%: __typename", 0) + "} } }",
    ),
    query("document: authConfig many times", "{" + many("a%: authConfig { __typename }", 29) + "}"),
    query("document: node many times", "{" + many('a%: node(id: "QWNjb3VudDo=") { id }', 29) + "}"),
    query(
        "document: nodes many times",
        "{"
        + many(
            "a%: nodes(ids: [" + '"QWNjb3VudDphMGEwYTBhMC1hMGEwLTRhMGEtOGEwYS1hMGEwYTBhMGEwYTA=" ' * 100 + "]) { id }",
            8,
        )
        + "}",
    ),
]

CHAIN = (
    "".join(f" fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(22)) + " fragment f22 on Query { __typename }"
)
IDS = '"QWNjb3VudDphMGEwYTBhMC1hMGEwLTRhMGEtOGEwYS1hMGEwYTBhMGEwYTA=" '
CREDENTIALS = "mutation { tokenAuth(input: %) { errors { code } } }"
WITHIN = [
    # As much as the limits of schema/language/limits.py let through.
    query("within: unknown input fields", CREDENTIALS.replace("%", "{" + many("a%:1", 248) + "}")),
    query(
        "within: unknown input fields beside a long string",
        CREDENTIALS.replace("%", filled('{s:"', "a", '"' + many("a%:1", 240) + "}", size=QUERY - 200)),
    ),
    query(
        "within: unknown input fields beside quotes",
        CREDENTIALS.replace("%", filled('{s:"', '\\"', '"' + many("a%:1", 240) + "}", size=QUERY - 200)),
    ),
    query(
        "within: unknown input fields beside a block string",
        CREDENTIALS.replace("%", filled('{s:"""', "a\n", '"""' + many("a%:1", 240) + "}", size=QUERY - 200)),
    ),
    query(
        "within: unknown input fields with long names",
        CREDENTIALS.replace("%", "{" + many("a" * 250 + "%:1", 240) + "}"),
    ),
    query(
        "within: unknown input fields with nested lists",
        CREDENTIALS.replace("%", "{" + many("a%:" + "[" * 60 + "]" * 60, 4) + "}"),
    ),
    query("within: a list where an object belongs", CREDENTIALS.replace("%", "[" + "1 " * 248 + "]")),
    query("within: lists where an object belongs", CREDENTIALS.replace("%", "[" * 190 + "]" * 190)),
    query("within: objects where an ID belongs", "{ nodes(ids: [" + "{} " * 248 + "]) { id } }"),
    query("within: a literal", "{ nodes(ids: [" + '"" ' * 248 + "]) { id } }"),
    query("within: a broken default", "query ($a: [ID!] = [" + "{} " * 248 + "]) { nodes(ids: $a) { id } }"),
    query("within: literals in directives", "{ me " + ("@skip(if: [" + "1 " * 4 + "])") * 48 + "{ id } }"),
    query("within: unknown fields", "{" + many("a%", 480) + "}"),
    query("within: unknown fields with long names", "{" + many("a" * 130 + "%", 480) + "}"),
    query("within: unknown arguments", "{ users(" + many("a%:1", 245) + ") { nodes { id } } }"),
    query(
        "within: one argument many times",
        "{ users(" + "first:1 " * 120 + ") { nodes { id } } users(" + "first:1 " * 120 + ") { nodes { id } } }",
    ),
    query("within: unused variables", "query (" + many("$a%:Int", 368) + ") { me { id } }"),
    query("within: undefined variables", "{" + many("a:users(first:$a%){nodes{id}}", 29) + "}"),
    query("within: variables in operations", many("query q%($a:Int) { users(first:$a) { nodes { id } } }", 65)),
    query("within: one variable many times", "query (" + "$a:Int " * 368 + ") { me { id } }"),
    query("within: variables of unknown types", "query (" + many("$a%:A%", 368) + ") { me { id } }"),
    query("within: type definitions", many("type A% { a: B% }", 180) + "{ me { id } }"),
    query("within: directive definitions", many("directive @a% on FIELD", 280) + "{ me { id } }"),
    query("within: directives", "{ me " + many("@a%(a:1)", 50) + "{ id } }"),
    query("within: operations", many("query q% { __typename }", 395)),
    query("within: anonymous operations", "{ __typename }" * 490),
    query("within: operations with a chain", many("query q% { ...f0 }", 20) + CHAIN),
    query(
        "within: operations with fragments",
        many("query q% { ...f% }", 90) + many("fragment f% on Query { __typename }", 90),
    ),
    query("fragments", "{" + many("...f%", 220) + "}" + many("fragment f% on Query { x% }", 220)),
    query("within: fragments", "{" + many("...f%", 62) + "}" + many("fragment f% on Query { __typename }", 62)),
    query(
        "within: fragments after line ends",
        "\n" * 60_000 + "{" + many("...f%", 62) + "}" + many("fragment f% on Query { x% }", 62),
    ),
    query("within: fragments that nothing spreads", "{ __typename }" + many("fragment f% on Query { me { id } }", 130)),
    query("within: fragments of one name", "{ ...f }" + "fragment f on Query { me { id } }" * 130),
    query(
        "within: a wide fragment of one name",
        "{ ...f }" + "fragment f on Query {" + "a " * 40 + "}" + " fragment f on Query { " + "b " * 40 + "}",
    ),
    query(
        "within: fragments with large selections",
        "{"
        + many("...f%", 15)
        + "}"
        + " ".join(f"fragment f{n} on Query {{ me {{ {' '.join(f'a{m}' for m in range(28))} }} }}" for n in range(11)),
    ),
    query(
        "within: a cycle",
        "{ ...f0 }" + " ".join(f"fragment f{n} on Query {{ ...f{(n + 1) % 140} }}" for n in range(140)),
    ),
    query(
        "within: a cycle and line ends",
        "{ ...f0 }" + ("\n" * 300).join(f"fragment f{n} on Query {{ ...f{(n + 1) % 140} }}" for n in range(140)),
    ),
    query("within: one field", "{" + "__typename " * 62 + "}"),
    query("within: one field with arguments", "{" + "users(first:1){nodes{id}}" * 36 + "}"),
    query(
        "within: one field with many arguments", "{" + "users(first:1 last:1 after:1 before:1){nodes{id}}" * 36 + "}"
    ),
    query("within: nested fields that have to merge", "{" + "me{publicProfile{id username}}" * 31 + "}"),
    query("within: conflicts of literals", "{" + many('nodes(ids:["%" "b" "c" "d" "e"]){id}', 41) + "}"),
    query("within: conflicts", "{" + many("users(first:%){nodes{id}}", 36) + "}"),
    query("within: conflicts below", "{" + "me{a:id a:email}" * 14 + "}"),
    query("within: inline fragments", "{" + "...{...{...{...{me{id}}}}}" * 44 + "}"),
    query("within: empty inline fragments", "{ me { id } " + "...on Query{__typename}" * 60 + "}"),
    query("within: nested inline fragments", "{" + "...{" * 180 + "me{id}" + "}" * 180 + "}"),
    query("within: inline fragments with distinct fields", "{ node(id:1){" + many("...on A%{b%}", 240) + "}}"),
    query("within: types", "{" + "node(id:1){...on User{id} ...on SocialAccount{id} ...on Node{id}}" * 19 + "}"),
    query(
        "within: valid and wide",
        "{" + many("a%: me { id email username firstName lastName dateJoined emailVerified }", 29) + "}",
    ),
    query("within: users", "{" + many("a%: users(first: 100) { nodes { id } }", 14) + "}"),
    query(
        "within: users by their edges",
        "{" + many("a%: users(first: 100) { edges { node { id username firstName lastName dateJoined } } }", 4) + "}",
    ),
    query(
        "within: users with a wide selection", "{ users(first: 100) { nodes { id " + many("a%: username", 28) + "} } }"
    ),
    query("within: single users", "{" + many("a%: users(first: 1) { nodes { id } }", 29) + "}"),
    query(
        "within: authConfig", "{" + many("a%: authConfig { signInMethods socialProviders { name label } }", 29) + "}"
    ),
    query(
        "within: ids", "query ($ids: [ID!]!) {" + many("a%: nodes(ids: $ids) { id }", 29) + "}", ids=[IDS[1:-2]] * 100
    ),
    query("within: comments", filled("#a\n" * 1480 + "{ me { id } } #", "a", "", size=QUERY)),
    query("within: comments and line ends", filled("#\n" * 1480 + "{ me { id }", "\n", "nope }", size=QUERY)),
    query(
        "within: introspection in depth",
        "{ __schema { types { fields { name description type { name description fields { name description args { name description } type { name } } } } } } }",
    ),
    query(
        "within: introspection without aliases",
        "{ __schema { types { kind name description fields { name description args { name description type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } type { kind name fields { name description } inputFields { name } interfaces { name } enumValues { name } possibleTypes { name fields { name } } } } } } }",
    ),
    query(
        "within: the whole introspection",
        get_introspection_query(
            specified_by_url=True, schema_description=True, directive_is_repeatable=True, input_value_deprecation=True
        ),
    ),
    query(
        "within: introspection, a few times",
        "{ __schema { types { "
        + many("a%: fields { name args { name type { kind name ofType { kind name ofType { name } } } } }", 6)
        + "} } }",
    ),
    query(
        "within: introspection, many times",
        "{ __schema { types { "
        + many("a%: fields { name args { name type { kind name ofType { kind name ofType { name } } } } }", 29)
        + "} } }",
    ),
    query(
        "within: introspection of one type",
        "{"
        + many(
            'a%: __type(name: "Account") { fields { name description type { name kind ofType { name } } args { name } } }',
            29,
        )
        + "}",
    ),
    query("within: variables, objects for ids", NODES, ids=[{}] * 249),
    query("within: variables, unknown fields", LOGIN, i={f"{'a' * 450}{n}": 0 for n in range(248)}),
    query("within: variables, unknown fields like known ones", LOGIN, i={f"emai{n}": "a" * 400 for n in range(248)}),
    query("within: variables, nested", LOGIN, i=json.loads("[" * 249 + "]" * 249)),
]
CURSOR = base64.b64encode(b'orderedcursor:["' + b"9" * 60000 + b'"]').decode()
NAME_CURSOR = b'orderedcursor:USERNAME:ASC:["%b","00000000-0000-0000-0000-000000000001"]'
CURSOR_OF_NAME = base64.b64encode(NAME_CURSOR % (b'","' * 20000)).decode()
BY_NAME = "query ($c: String) { users(after: $c, orderBy: {field: USERNAME, direction: ASC}) { nodes { id } } }"
USER = "query ($u: String!) { user(username: $u) { id } }"
VARIABLES = [
    query("variables: ids", NODES, ids=["a"] * 25000),
    query("variables: objects for ids", NODES, ids=[{}] * 30000),
    query("variables: numbers for ids", NODES, ids=[1] * 40000),
    query("variables: 100 long ids", NODES, ids=["a" * 1200] * 100),
    query("variables: one long id", NODES, ids=["QWNjb3VudDp" * 11000]),
    query("variables: one id of combining marks", NODES, ids=[MARKS * 30000]),
    query(
        "variables: ids, 29 times",
        "query ($ids: [ID!]!) {" + many("a%: nodes(ids: $ids) { id }", 29) + "}",
        ids=["QWNjb3VudDphMGEwYTBhMC1hMGEwLTRhMGEtOGEwYS1hMGEwYTBhMGEwYTA="] * 100,
    ),
    query(
        "variables: many ids, 29 times",
        "query ($ids: [ID!]!) {" + many("a%: nodes(ids: $ids) { id }", 29) + "}",
        ids=["a"] * 25000,
    ),
    query("variables: nested lists for ids", NODES, ids=json.loads("[" * 900 + "]" * 900)),
    query("variables: unknown fields", LOGIN, i={f"a{n}": 0 for n in range(9000)}),
    query("variables: unknown fields with long values", LOGIN, i={f"a{n}": "a" * 200 for n in range(500)}),
    query("variables: unknown field with a long name", LOGIN, i={"a" * FULL: 0}),
    query("variables: unknown fields like known ones", LOGIN, i={f"emai{n}": 0 for n in range(7000)}),
    query("variables: lists for objects", LOGIN, i=[{}] * 30000),
    query("variables: a string for an object", LOGIN, i="'\"" * 40000),
    query("variables: our words", LOGIN, i=" cannot represent value" * 5000),
    query("variables: unknown ones", "{ __typename }", **{f"a{n}": 0 for n in range(9000)}),
    query("variables: a scalar that is a list", "query ($n: Int) { users(first: $n) { nodes { id } } }", n=[0] * 40000),
    query(
        "variables: a scalar that is a long string",
        "query ($n: Int) { users(first: $n) { nodes { id } } }",
        n="1" * FULL,
    ),
    query(
        "variables: a scalar with our words",
        "query ($n: Int) { users(first: $n) { nodes { id } } }",
        n=" cannot represent a" * 6000,
    ),
    query(
        "variables: an enum",
        "mutation ($t: RefreshTokenTransport, $e: String!) { tokenAuth(input: {email: $e, password: $e, refreshTokenTransport: $t}) { errors { code } } }",
        t="COOKI" * 20000,
        e="a",
    ),
    query("variables: a cursor", "query ($c: String) { users(after: $c) { nodes { id } } }", c=CURSOR),
    query(
        "variables: a cursor of brackets",
        "query ($c: String) { users(after: $c) { nodes { id } } }",
        c=base64.b64encode(b"orderedcursor:" + b"[" * 80000).decode(),
    ),
    query(
        "variables: a cursor of values",
        "query ($c: String) { users(after: $c) { nodes { id } } }",
        c=base64.b64encode(b"orderedcursor:[" + b'"1",' * 20000 + b'"1"]').decode(),
    ),
    query(
        "variables: a cursor, 29 times",
        "query ($c: String) {" + many("a%: users(after: $c) { nodes { id } }", 29) + "}",
        c=CURSOR,
    ),
    query("variables: a cursor of a name", BY_NAME, c=CURSOR_OF_NAME[:90_000]),
    query(
        "variables: a cursor of the longest name",
        BY_NAME,
        c=base64.b64encode(NAME_CURSOR % (b"\xf0\xaf\xa0\x80" * 150)).decode(),
    ),
    query("variables: a long username", USER, u="a" * FULL),
    query("variables: a username of combining marks", USER, u=MARKS * 30000),
    query(
        "variables: the longest username, 29 times",
        "query ($u: String!) {" + many("a%: user(username: $u) { id }", 29) + "}",
        u="\ufdfa" * 150,
    ),
]
SIGN_IN = [
    query("tokenAuth: a long address", LOGIN, i={"email": "a" * FULL, "password": "a"}),
    query("tokenAuth: an address of at signs", LOGIN, i={"email": "@" * FULL, "password": "a"}),
    query("tokenAuth: a domain of dots", LOGIN, i={"email": "a@ü" + "." * FULL, "password": "a"}),
    query("tokenAuth: a domain of labels", LOGIN, i={"email": "a@" + "ü." * 40000, "password": "a"}),
    query("tokenAuth: a long domain", LOGIN, i={"email": "a@" + "ü" * 60000, "password": "a"}),
    query(
        "tokenAuth: a domain of different letters",
        LOGIN,
        i={"email": "a@" + "".join(map(chr, range(0x4E00, 0x9FFF))) * 2, "password": "a"},
    ),
    query("tokenAuth: a domain of combining marks", LOGIN, i={"email": "a@a" + MARKS * 30000, "password": "a"}),
    query("tokenAuth: a domain of joiners", LOGIN, i={"email": "a@" + "\u0628\u200c" * 30000, "password": "a"}),
    query("tokenAuth: a domain in two directions", LOGIN, i={"email": "a@" + "\u05d0\u0300" * 30000, "password": "a"}),
    query(
        "tokenAuth: a password of combining marks", LOGIN, i={"email": "a@example.com", "password": "a" + MARKS * 30000}
    ),
    query("tokenAuth: a scope", LOGIN, i={"email": "a", "password": "a", "scope": "a " * 60000}),
    query(
        "tokenAuth: different scopes",
        LOGIN,
        i={"email": "a", "password": "a", "scope": " ".join(map(str, range(20000)))},
    ),
    query("tokenAuth: a client", LOGIN, i={"email": "a", "password": "a", "clientId": "a" * FULL}),
    query("tokenAuth: a client secret", LOGIN, i={"email": "a", "password": "a", "clientSecret": "a" * FULL}),
    query("register: a long username", SIGN_UP, i=person(username="a" * FULL)),
    query("register: a username of combining marks", SIGN_UP, i=person(username="a" + MARKS * 30000)),
    query("register: a username that grows", SIGN_UP, i=person(username="\ufdfa" * 40000)),
    query("register: a name of combining marks", SIGN_UP, i=person(firstName="a" + MARKS * 30000)),
    query("register: a long name", SIGN_UP, i=person(firstName="ü" * 60000)),
    query("register: a long address", SIGN_UP, i=person(email="a." * 60000 + "@example.com")),
    query("register: a long domain", SIGN_UP, i=person(email="a@" + "a." * 60000)),
    query("register: an address of quotes", SIGN_UP, i=person(email='"' + "\\a" * 40000 + '"@example.com')),
    query("register: a domain of combining marks", SIGN_UP, i=person(email="a@a" + MARKS * 30000)),
    query("register: a long password of combining marks", SIGN_UP, i=person(password="abcdefgh" + MARKS * 29_000)),
    query("register: a longest password of combining marks", SIGN_UP, i=person(password="abcdefgh" + MARKS * 760)),
    query(
        "register: names of combining marks",
        SIGN_UP,
        i=person(username="abcdefgh" + MARKS * 70, firstName="abcdefgh" + MARKS * 70),
    ),
    query("register: invisible characters", SIGN_UP, i=person(firstName="\u200b" * 40_000)),
    query("register: many dots", SIGN_UP, i=person(email="a@" + "a." * 120 + "com")),
    query("register: a long password", SIGN_UP, i=person(password="a1b2" * 30000)),
    query("register: a password of combining marks", SIGN_UP, i=person(password="a" + MARKS * 30000)),
    query(
        "register: a password like the names",
        SIGN_UP,
        i=person(
            username="ab-" * 49,
            firstName="abc " * 37,
            lastName="ab " * 49,
            email="a-" * 30 + "@" + "a." * 80 + "com",
            password="ab" * 500,
        ),
    ),
    query(
        "register: a password of the names",
        SIGN_UP,
        i=person(firstName=" ".join("abcdefghij"[: 3 + n % 8] for n in range(20)), password="abc" * 300),
    ),
    query("requestLoginCode: a long address", LOGIN_CODE, i={"email": "a." * 60000 + "@example.com"}),
    query("requestLoginCode: an address of at signs", LOGIN_CODE, i={"email": "@" * FULL}),
    query("requestLoginCode: a domain of dots", LOGIN_CODE, i={"email": "a@ü" + "." * FULL}),
    query("requestLoginCode: a long domain", LOGIN_CODE, i={"email": "a@" + "a." * 60000}),
    query("requestLoginCode: a domain of combining marks", LOGIN_CODE, i={"email": "a@a" + MARKS * 30000}),
    query("requestLoginCode: a client", LOGIN_CODE, i={"email": "a@example.com", "clientId": "a" * FULL}),
    query(
        "tokenAuthWithCode: a token",
        WITH_CODE,
        i={"credential": {"code": {"challengeToken": "a" * FULL, "code": "BCDF-GHJK"}}},
    ),
    query(
        "tokenAuthWithCode: a code",
        WITH_CODE,
        i={"credential": {"code": {"challengeToken": "a", "code": "ü-" * (FULL // 3)}}},
    ),
    query("tokenAuthWithCode: a link of letters", WITH_CODE, i={"credential": {"linkToken": "A" * FULL}}),
    query("tokenAuthWithCode: a link of padding", WITH_CODE, i={"credential": {"linkToken": "AA==" * (FULL // 4)}}),
    query("tokenAuthWithCode: a link in another script", WITH_CODE, i={"credential": {"linkToken": "ü" * (FULL // 2)}}),
    query("tokenAuthWithPasskey: a long token", PASSKEY, i={"passkey": {"challengeToken": "a" * FULL, "response": {}}}),
    query(
        "tokenAuthWithPasskey: a token of the longest that are opened",
        PASSKEY,
        i={"passkey": {"challengeToken": "gAAAAA" + "B" * 4090, "response": {}}},
    ),
    query(
        "tokenAuthWithPasskey: a long answer",
        PASSKEY,
        i={"passkey": {"challengeToken": "a", "response": {"id": "A" * FULL}}},
    ),
    query(
        "tokenAuthWithPasskey: an answer of many parts",
        PASSKEY,
        i={"passkey": {"challengeToken": "a", "response": {f"k{n}": {} for n in range(9000)}}},
    ),
    query(
        "createPasskeyAssertion: a long token",
        ASK_PASSKEY,
        i={"purpose": "SECOND_FACTOR", "challengeToken": "a" * FULL},
    ),
    query("refreshToken: a long token", REFRESH, i={"refreshToken": "a" * FULL}),
    query(
        "revokeToken: a long token",
        "mutation ($i: RevokeTokenInput!) { revokeToken(input: $i) { errors { code } } }",
        i={"token": "a" * FULL},
    ),
    query("requestPasswordReset: an address", REQUEST_RESET, i={"email": "a@" + "ü." * (FULL // 3)}),
    query("resetPassword: a link", RESET, i={"credential": {"linkToken": "A" * FULL}, "newPassword": LONG_PASSWORD}),
    query(
        "resetPassword: a code",
        RESET,
        i={"credential": {"code": {"challengeToken": "a", "code": "B-" * (FULL // 2)}}, "newPassword": LONG_PASSWORD},
    ),
    query(
        "resetPassword: a password of combining marks",
        RESET,
        i={"credential": {"linkToken": "A"}, "newPassword": "abcdefgh" + MARKS * 29_000},
    ),
    query(
        "secureAccount: a link",
        "mutation ($i: MailedTokenInput!) { secureAccount(input: $i) { errors { code } } }",
        i={"token": "A" * FULL},
    ),
    query("createSocialAuthUrl: a provider", AUTH_URL, i={"provider": "a" * FULL, "redirectUri": "a"}),
    query("createSocialAuthUrl: a redirect URI", AUTH_URL, i={"provider": "google", "redirectUri": "a" * FULL}),
    query(
        "convertSocialToken: an ID token", CONVERT, i={"provider": "google", "credential": {"idToken": "a." * 60000}}
    ),
    query(
        "convertSocialToken: an ID token of segments",
        CONVERT,
        i={"provider": "google", "nonce": "a." * 500, "credential": {"idToken": "a." * 8000}},
    ),
    query(
        "convertSocialToken: a nonce",
        CONVERT,
        i={"provider": "google", "nonce": "a." * 60000, "credential": {"idToken": "a"}},
    ),
    query(
        "convertSocialToken: a flow",
        CONVERT,
        i={"provider": "google", "credential": {"code": {"code": "a", "state": "a", "flow": ".a:" * 40000}}},
    ),
    query(
        "convertSocialToken: a name of combining marks",
        CONVERT,
        i={"provider": "google", "firstName": "a" + MARKS * 30000, "credential": {"idToken": "a"}},
    ),
]
PERSISTED = [
    Worst(
        "persisted: a long hash", json.dumps({"extensions": {"persistedQuery": {"sha256Hash": "a" * FULL}}}).encode()
    ),
    Worst(
        "persisted: an unknown hash", json.dumps({"extensions": {"persistedQuery": {"sha256Hash": "a" * 64}}}).encode()
    ),
    Worst(
        "extensions", json.dumps({"query": "{ __typename }", "extensions": {f"a{n}": [] for n in range(9000)}}).encode()
    ),
    Worst("operationName", json.dumps({"query": "{ __typename }", "operationName": "a" * FULL}).encode()),
    Worst(
        "operationName of many",
        json.dumps({"query": many("query q% { __typename }", 480), "operationName": "q479"}).encode(),
    ),
]


def header(name: str, field: str, value: str, *, times: int = 1, body: bytes = b'{"query": "{ __typename }"}') -> Worst:
    """A request with this header."""
    headers = tuple((field, value) for _ in range(times))
    return Worst(f"header: {name}", body, headers=JSON + headers)


HEADERS = [
    header("Accept of ranges", "Accept", filled("", "a/b,", "", size=HEADER)),
    header("Accept of ranges, 60 times", "Accept", filled("", "a/b,", "", size=HEADER), times=60),
    header("Accept of parameters", "Accept", filled("a/b", ";q=1", "", size=HEADER)),
    header("Accept of parameters, 60 times", "Accept", filled("a/b", ";q=1", "", size=HEADER), times=60),
    header("Accept of quotes", "Accept", filled('a/b;a="', '\\"', '"', size=HEADER)),
    header("Accept of open quotes", "Accept", filled("a/b;a", ';"', "", size=HEADER)),
    header("Accept of open quotes, 60 times", "Accept", filled("a/b;a", ';"', "", size=HEADER), times=60),
    header("Content-Type of parameters", "Content-Type", filled("application/json", ";a=b", "", size=HEADER)),
    header("Content-Type of open quotes", "Content-Type", filled("application/json", ';"', "", size=HEADER)),
    header("Accept-Encoding", "Accept-Encoding", filled("", "gzip,", "", size=HEADER)),
    header("Accept-Encoding, 60 times", "Accept-Encoding", filled("", "gzip,", "", size=HEADER), times=60),
    header("Accept-Language", "Accept-Language", filled("", "de,", "", size=HEADER), times=60),
    header("Accept-Language of ranges", "Accept-Language", filled("", "a,", "", size=HEADER), times=3),
    header("Accept-Language of subtags", "Accept-Language", filled("a", "-a", "", size=HEADER), times=3),
    header("Accept-Language of weights", "Accept-Language", filled("", "de;q=0.1 ;", "", size=HEADER), times=3),
    header("Cookie of many", "Cookie", "; ".join(f"a{n}=b" for n in range(900))),
    header("Cookie of many, 60 times", "Cookie", "; ".join(f"a{n}=b" for n in range(900)), times=60),
    header("Cookie of backslashes", "Cookie", filled('a="', "\\", '"', size=HEADER)),
    header("Cookie of escaped quotes", "Cookie", filled('a="', '\\"', '"', size=HEADER)),
    header("Cookie of octals", "Cookie", filled('a="', "\\101", '"', size=HEADER)),
    header("Cookie of escaped quotes, 60 times", "Cookie", '\\"' * 4000, times=60),
    header(
        "Cookie, and an error that is logged",
        "Cookie",
        "; ".join(f"a{n}=bcde{n}" for n in range(600)),
        times=60,
        body=b"x" * BODY,
    ),
    header(
        "Authorization of blanks",
        "Authorization",
        filled("Bearer", " a", "", size=HEADER),
        times=60,
        body=b'{"query": "{ me { id } }"}',
    ),
    header(
        "a long Bearer", "Authorization", filled("Bearer ", "a", "", size=HEADER), body=b'{"query": "{ me { id } }"}'
    ),
    header("User-Agent", "User-Agent", "a" * HEADER, times=60),
    header("End-User-IP", "End-User-IP", filled("", "1:", "", size=HEADER), times=60),
    header("Origin", "Origin", filled("http://", "[", "", size=HEADER), times=60),
    header("Forwarded", "Forwarded", filled("", "for=1;", "", size=HEADER), times=60),
    header("X-Forwarded-For", "X-Forwarded-For", filled("", "1,", "", size=HEADER), times=60),
    header("Referer", "Referer", filled("http://a/", "?", "", size=HEADER), times=60),
    header("If-None-Match", "If-None-Match", filled("", 'W/"a",', "", size=HEADER), times=60),
    Worst(
        "header: Cookie of backslashes, too large",
        b'{"query": "{ __typename }"}',
        headers=(*JSON, ("Cookie", 'a="' + "\\" * 8000), *[("Cookie", "\\" * 8000)] * 58, ("Cookie", 'b"')),
    ),
    Worst(
        "header: Cookie of backslashes for a foreign host",
        b'{"query": "{ __typename }"}',
        headers=(*JSON, ("Host", "evil.example"), ("Cookie", 'a="' + "\\" * 8000 + '"')),
    ),
    Worst("header: Host", b"", "GET", "/", (("X-Forwarded-Host", "a." * 4000),)),
    Worst(
        "header: 60 different",
        b'{"query": "{ __typename }"}',
        headers=JSON + tuple((f"X-{n}", "a" * HEADER) for n in range(60)),
    ),
]
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
BOUNDARY = "b" * 60
PARTS = (("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"),)


def form(name: str, path: str, text: str, headers: tuple[tuple[str, str], ...] = FORM) -> Worst:
    """A form."""
    return Worst(name, text.encode()[:BODY], "POST", path, headers)


ELSEWHERE = [
    *(
        form(f"{path}: {name}", path, text)
        for path in ("/o/token/", "/o/revoke_token/", "/o/introspect/", "/admin/login/", "/")
        for name, text in {
            "a form of codecode…": filled("a=", "code", ""),
            "a form of fields": "&".join(f"a{n}=b" for n in range(15000)),
            "a form of 900 fields": "&".join(f"a{n}={'b' * 130}" for n in range(900)),
            "a form of escapes": filled("a=", "%41", ""),
            "a form of ampersands": filled("", "&", ""),
            "an unknown grant": "grant_type=" + "a" * FULL,
            "a long client": "grant_type=refresh_token&refresh_token=a&client_id=" + "a" * FULL,
            "a client of combining marks": urlencode(
                {"username": "a" + MARKS * 10000, "password": "a", "client_id": "a" + MARKS * 10000}
            )[:BODY],
            "a long scope": "grant_type=refresh_token&client_id=web&refresh_token=a&scope=" + "a+" * 60000,
            "a long token": "grant_type=refresh_token&client_id=web&token=a&refresh_token=" + "a" * FULL,
        }.items()
    ),
    *(
        form(f"{path}: {name}", path, text, PARTS)
        for path in ("/o/token/", "/admin/login/")
        for name, text in {
            "parts": f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n" * 1200,
            "parts without an end": f"--{BOUNDARY}\r\n" + filled("", "\r\n-", "", size=120_000),
            "parts of dashes": f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\n"
            + filled("", "\r\n--", "", size=120_000),
            "parts of headers": f"--{BOUNDARY}\r\n" + filled("", "a: b\r\n", "\r\n", size=120_000),
            "parts with a long header": f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a"
            + filled("", ';a="b', "\r\n\r\n", size=120_000),
            "files": f'--{BOUNDARY}\r\nContent-Disposition: form-data; name=a; filename="a"\r\n\r\nb\r\n' * 1100,
            "codecode in a part": f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\n"
            + filled("", "code", "", size=120_000),
        }.items()
    ),
    Worst(
        "/o/token/: Basic",
        b"grant_type=refresh_token&refresh_token=a",
        "POST",
        "/o/token/",
        (*FORM, ("Authorization", "Basic " + "QTpB" * 2000)),
    ),
    Worst("a path", b"", "GET", "/" + "a/" * 1900),
    Worst("a path of escapes", b"", "GET", "/" + "%41" * 1200),
    Worst("a path below .well-known", b"", "GET", "/.well-known/oauth-authorization-server/" + "a/" * 1900),
    Worst("a static path", b"", "GET", "/static/" + "../a/" * 700),
    Worst("a query string", b"", "GET", "/graphql?" + "&".join(f"a{n}=b" for n in range(600))),
    Worst("admin: next", b"", "GET", "/admin/login/?next=" + "/" * 3900),
]
WORST = [*BODIES, *DOCUMENTS, *WITHIN, *VARIABLES, *SIGN_IN, *PERSISTED, *HEADERS, *ELSEWHERE]

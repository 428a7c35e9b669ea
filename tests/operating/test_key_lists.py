"""S90: SECRET_KEY is a list. What a server made with its first key, a server reads that has it at another place."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session as AdminSession
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, override_settings

from accounts.errors import InvalidChallenge
from accounts.factors import recovery, totp, webauthn
from accounts.factors.webauthn import PasskeyPurpose
from accounts.mails import codes as mailed
from accounts.mails.models import Purpose
from accounts.people.models import Account
from accounts.shared.keys import digests
from accounts.social.flows import Flow, create_nonce, is_nonce
from tests.api import REFRESH, codes
from tests.authenticator import Authenticator
from tests.documents import ROOT
from tests.mfa.enrolled import code_of, with_app, with_codes

OLD, NEW = "k7Qw-Zp2_xL9" * 4, "mB4s_Tz8-vR1" * 4
PASSWORD = "an administrators passphrase"


@contextmanager
def server(*keys: str) -> Iterator[None]:
    """A server with this SECRET_KEY and these fallbacks."""
    with override_settings(SECRET_KEY=keys[0], SECRET_KEY_FALLBACKS=[*keys[1:]]):
        yield


MIXED = pytest.mark.parametrize(
    ("one", "other"),
    [([OLD], [OLD, NEW]), ([OLD, NEW], [NEW, OLD]), ([NEW, OLD], [OLD, NEW]), ([NEW, OLD], [NEW])],
    ids=["phase 1", "phase 2", "phase 2, the other way", "phase 3"],
)
"""The keys of two servers that answer side by side while a key is being changed."""


@MIXED
def test_a_repeated_refresh_gets_the_pair_of_the_other_server(graphql, signed_in, one, other):
    """S18, S68: whichever of the two traded the token."""
    with server(*one):
        first = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
    with server(*other):
        again = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]

    assert (again["accessToken"], again["refreshToken"]) == (first["accessToken"], first["refreshToken"])


def test_no_fallback_costs_a_statement(graphql, signed_in):
    """The keys are tried against what was read once."""
    counts = []
    with server(OLD):
        graphql(REFRESH, input={"refreshToken": signed_in.refresh_token})
    for keys in ([OLD], [NEW, OLD]):
        with server(*keys), CaptureQueriesContext(connection) as queries:
            answer = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token})
        assert codes(answer.data["refreshToken"]) == []
        counts.append(len(queries))

    assert counts[0] == counts[1] > 0


def test_a_replay_after_use_ends_the_session_under_every_key(graphql, signed_in):
    """S17: fallbacks make no replay a repeat."""
    with server(OLD, NEW):
        first = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]["tokens"]
        last = graphql(REFRESH, input={"refreshToken": first["refreshToken"]}).data["refreshToken"]["tokens"]
    with server(NEW, OLD):
        replayed = graphql(REFRESH, input={"refreshToken": signed_in.refresh_token}).data["refreshToken"]
        after = graphql(REFRESH, input={"refreshToken": last["refreshToken"]}).data["refreshToken"]

    assert codes(replayed) == codes(after) == ["INVALID_GRANT"]


@MIXED
def test_a_mailed_code_and_link_work_at_the_other_server(account, one, other):
    """Both, without keys of their own."""
    code = mailed.create(Purpose.RESET, email=account.email, account=account, lifetime=600)
    with server(*one):
        link, typed = mailed.link_token(code), mailed.typed_code(code)
    with server(*other):
        assert mailed.by_link(link, Purpose.RESET) == code
        mailed.guess(code, typed)


def test_keys_of_mailed_codes_are_introduced_beside_secret_key(account, settings):
    """The value of SECRET_KEY can stand in MAILED_CODE_KEYS: it opens what was made before there were any."""
    code = mailed.create(Purpose.RESET, email=account.email, account=account, lifetime=600)
    with server(OLD):
        link = mailed.link_token(code)
        settings.LATCHKEY = replace(settings.LATCHKEY, mailed_code_keys=(NEW, OLD))
        assert mailed.by_link(link, Purpose.RESET) == code
        assert mailed.link_token(code) != link


@contextmanager
def factor_server(settings: Any, *keys: str, own: bool) -> Iterator[None]:
    """A server with this SECRET_KEY and these fallbacks, or with these MFA_KEYS."""
    if own:
        settings.LATCHKEY = replace(settings.LATCHKEY, mfa_keys=keys)
        yield
    else:
        with server(*keys):
            yield


OWN_OR_NOT = pytest.mark.parametrize("own", [True, False], ids=["MFA_KEYS", "SECRET_KEY"])


@OWN_OR_NOT
@MIXED
def test_an_app_and_a_recovery_code_work_at_the_other_server(account, settings, one, other, own):
    """S75: whichever of the two set them up."""
    with factor_server(settings, *one, own=own):
        secret, codes_ = with_app(account), with_codes(account)
    with factor_server(settings, *other, own=own), transaction.atomic():
        totp.check(account, code_of(secret))
        assert recovery.use(account, codes_[0]) == recovery.NUMBER - 1


@OWN_OR_NOT
@MIXED
def test_a_ceremony_of_a_passkey_ends_at_the_other_server(account, settings, one, other, own):
    """S76: to make one, and to sign in with it; and each ceremony counts at one server only."""
    authenticator = Authenticator()
    with factor_server(settings, *one, own=own):
        creation = webauthn.begin_registration(account, bound_to="here")
        made = authenticator.create(creation.options)
        signing_in = webauthn.begin_assertion(PasskeyPurpose.SIGN_IN, account=None, bound_to="here")
    with factor_server(settings, *other, own=own), transaction.atomic():
        passkey = webauthn.verify_registration(creation.token, made, account=account, bound_to="here", name="Phone")
        shown = authenticator.get(signing_in.options)
        asked = {"account": None, "bound_to": "here"}
        assert webauthn.verify_assertion(signing_in.token, shown, PasskeyPurpose.SIGN_IN, **asked) == passkey
    with (
        factor_server(settings, *one, own=own),
        transaction.atomic(),
        pytest.raises(InvalidChallenge),
    ):
        webauthn.verify_assertion(signing_in.token, shown, PasskeyPurpose.SIGN_IN, **asked)


@MIXED
def test_a_visit_to_a_provider_comes_back_to_the_other_server(one, other):
    """Its state, its PKCE verifier and its nonce are those that the provider was sent."""
    with server(*one):
        begun = Flow.begin(provider="corp", redirect_uri="https://a.example", client_id=1, account_id="")
        kept = str(begun)
        secrets = (begun.state, begun.code_verifier, begun.nonce)
    with server(*other):
        back = Flow.read(kept)

        assert back is not None
        assert (back.state, back.code_verifier, back.nonce) == secrets
        assert back.has_state(begun.state)


@MIXED
def test_a_nonce_is_known_at_the_other_server(one, other):
    """S35."""
    with server(*one):
        nonce = create_nonce("google")
    with server(*other):
        assert is_nonce(nonce, provider="google")


@pytest.mark.parametrize("made", [lambda: create_nonce("google"), lambda: str(flow())], ids=["nonce", "flow"])
def test_a_dropped_key_opens_nothing(made: Callable[[], str]):
    """That is what it is dropped for."""
    with server(OLD):
        value = made()
    with server(NEW):
        assert not is_nonce(value, provider="google")
        assert Flow.read(value) is None


def flow() -> Flow:
    """One that begins now."""
    return Flow.begin(provider="corp", redirect_uri="https://a.example", client_id=1, account_id="")


def test_a_session_of_the_administration_keeps_its_cookie(admin_browser, db):
    """Servers whose first keys differ do not take turns to replace it, which would end requests under way."""
    Account.objects.create_superuser("root@example.com", PASSWORD, username="root", first_name="Root")
    with server(OLD):
        admin_browser.post("/admin/login/?next=/admin/", {"username": "root@example.com", "password": PASSWORD})
    cookie = admin_browser.cookies["sessionid"].value

    for keys in ([OLD, NEW], [NEW, OLD], [OLD, NEW], [NEW, OLD]):
        with server(*keys):
            assert admin_browser.get("/admin/").status_code == 200

    assert admin_browser.cookies["sessionid"].value == cookie
    assert AdminSession.objects.count() == 1


def test_a_session_of_the_administration_ends_with_its_password(admin_browser, db):
    """S82."""
    root = Account.objects.create_superuser("root@example.com", PASSWORD, username="root", first_name="Root")
    admin_browser.post("/admin/login/?next=/admin/", {"username": "root@example.com", "password": PASSWORD})
    assert admin_browser.get("/admin/").status_code == 200

    root.set_password("another passphrase")
    root.save()

    assert admin_browser.get("/admin/").status_code == 302


def test_two_uses_of_a_key_share_nothing():
    """S71: by the salt."""
    assert next(digests("one", "text", keys=(OLD,))) != next(digests("another", "text", keys=(OLD,)))


# The code -----------------------------------------------------------------------------------------------------------

MAKES_KEYED_VALUES = {
    "accounts/shared/keys.py": "reads with every key",
    "project/settings.py": "reads the variables",
}
"""The modules that may name a key, and why."""
FIRST_KEY_ONLY = {
    "accounts/guard/limits.py": "counts of attempts, which a change of the key begins anew",
    "accounts/mails/codes.py": "makes links and codes; `by_link` and `guess` try all keys",
    "accounts/social/flows.py": "from the one key that signed the flow, or begins one",
    "accounts/tokens/rotation.py": "makes a pair; a repeat tries all keys",
}
"""The modules that take the first of the keys, and why nothing is refused for it."""
KEYED = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "salted_hmac", "get_cookie_signer", "set_signed_cookie"}
OWN_KEYS = {"key", "secret", "fallback_keys"}
SIGNERS = {"dumps", "loads", "Signer", "TimestampSigner", "signing"}


def names_in(tree: ast.AST) -> set[str]:
    """All names and attributes."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


def takes_the_first(tree: ast.AST) -> bool:
    """Whether it calls `next` on keys or digests, or indexes the list of keys."""
    keys = {"digests", "_keys", "secret_keys", "_derived"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next":
            argument = node.args[0]
            if isinstance(argument, ast.Call) and names_in(argument.func) & keys:
                return True
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call) and names_in(node.value.func) & keys:
            return True
    return False


def signs_with_its_own_key(tree: ast.AST) -> bool:
    """Whether it gives a key to one of Django's signers, which otherwise take the whole list."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and names_in(node.func) & SIGNERS and "signing" in names_in(tree):
            given = {keyword.arg for keyword in node.keywords}
            positional = isinstance(node.func, ast.Attribute) and node.func.attr in {"dumps", "loads"} and node.args[1:]
            if given & OWN_KEYS or positional:
                return True
    return False


SOURCES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text())
    for package in ("accounts", "project", "schema")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
}


def test_no_other_module_uses_a_key():
    """Django's `salted_hmac` and signers with a key of their own would read with the first key only."""
    assert {name for name, tree in SOURCES.items() if names_in(tree) & KEYED} == MAKES_KEYED_VALUES.keys()
    assert {name for name, tree in SOURCES.items() if signs_with_its_own_key(tree)} == {"accounts/social/flows.py"}


def test_each_module_that_takes_the_first_key_has_a_reason():
    """A new one has to be thought about."""
    assert {name for name, tree in SOURCES.items() if takes_the_first(tree)} == FIRST_KEY_ONLY.keys()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from django.utils.crypto import salted_hmac", names_in),
        ("from django.conf import settings\nsettings.SECRET_KEY", names_in),
        ("next(digests('a', 'b'))", takes_the_first),
        ("keys.secret_keys()[0]", takes_the_first),
        ("from django.core import signing\nsigning.loads(x, 'k')", signs_with_its_own_key),
        ("from django.core import signing\nsigning.TimestampSigner(key='k')", signs_with_its_own_key),
    ],
)
def test_the_walk_notices(source: str, found: Callable[[ast.AST], Any]):
    """What it is there for."""
    result = found(ast.parse(source))

    assert result & KEYED if isinstance(result, set) else result


def test_the_walk_reads_the_whole_service():
    """An empty walk would pass."""
    assert len(SOURCES) > 150
    assert all(Path(ROOT, name).exists() for name in {**MAKES_KEYED_VALUES, **FIRST_KEY_ONLY})

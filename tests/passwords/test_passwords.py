"""The password policy, and how passwords are stored."""

import dataclasses
import io
import unicodedata

import argon2
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, identify_hasher
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.conf import Latchkey
from accounts.people.models import Account
from accounts.shared.hashers import ConfiguredArgon2Hasher
from accounts.shared.texts import prepared_password
from accounts.tokens.models import Session
from tests.api import PASSWORD, REGISTER, TOKEN_AUTH, codes
from tests.factories import make_account

ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Augusta", "lastName": "Lovelace"}


@pytest.fixture
def register(graphql):
    """The payload of registering Ada with a password."""
    return lambda password, **more: graphql(REGISTER, input={**ADA, "password": password, **more}).data["register"]


@pytest.fixture
def policy(settings):
    """Change the settings for one test: `policy(password_min_length=8)`."""

    def change(**values):
        settings.LATCHKEY = dataclasses.replace(settings.LATCHKEY, **values)

    return change


@pytest.fixture
def hashes(monkeypatch):
    """What is hashed while something runs: the cost of each Argon2 run, at the library itself."""
    runs: list[str] = []
    hash_secret, verify = argon2.low_level.hash_secret, argon2.PasswordHasher.verify

    def hashed(secret, salt, **given):
        runs.append("m={memory_cost},t={time_cost},p={parallelism}".format(**given))
        return hash_secret(secret, salt, **given)

    def verified(self, encoded, password):
        runs.append(encoded.split("$")[3])
        return verify(self, encoded, password)

    monkeypatch.setattr(argon2.low_level, "hash_secret", hashed)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", verified)

    def measure(run) -> list[str]:
        runs.clear()
        run()
        return sorted(runs)

    return measure


def refused(payload) -> list[str]:
    """The codes at the password; nobody was created, and there are no tokens."""
    assert payload["tokens"] is None
    assert payload["account"] is None
    assert not Account.objects.exists()
    assert not Session.objects.exists()
    assert {tuple(error["field"]) for error in payload["errors"]} == {("password",)}
    return codes(payload)


@pytest.mark.parametrize("password", ["x7#Kq!", "m4Zr!q9Wp@L-7h", "żółć-jaźń!4-ę7"])
def test_under_fifteen_characters_is_too_short(register, password):
    """S5: characters, not bytes."""
    assert refused(register(password)) == ["PASSWORD_TOO_SHORT"]


@pytest.mark.parametrize(
    "password",
    [
        "m4Zr!q9Wp@Lx-7h",
        "plumtree-window",
        "żółć gęślą jaźń",
        "🦊🐙🌵🚲🥝🧭🎻🪁🧊🛶🥨🪐🌂🧦🎈",
        "  spaces at both ends  ",
        "no digit and no capital",
        "8302591746028395",
        "correct horse battery staple " * 10,
        "\u202ewhatever-you-like\x07",
    ],
)
def test_any_characters_are_accepted_and_no_composition_is_asked_for(register, graphql, password):
    """S5: and exactly that password opens the account."""
    assert register(password)["errors"] == []

    assert Account.objects.get().check_password(password)
    for other in (password.strip() + "x", password[:-1], password.swapcase() + "1"):
        answer = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": other}).data["tokenAuth"]
        assert codes(answer) == ["INVALID_CREDENTIALS"]


@pytest.mark.parametrize("character", ["x", "é", "🦊"])
def test_a_password_may_have_1024_bytes_and_no_more(register, character):
    """S5: the hard cap is of bytes, as it bounds the work."""
    piece = f"m4Zr!q9Wp@L{character} "
    longest = (piece * 1024).encode()[:1024].decode(errors="ignore")

    assert refused(register(longest + "wxyz")) == ["PASSWORD_TOO_LONG"]
    assert register(longest)["errors"] == []


def test_a_long_password_is_not_truncated(register, graphql):
    """S5: the last character counts."""
    password = "plumtree window " * 63
    register(password + "a")

    wrong = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": password + "b"}).data["tokenAuth"]
    right = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": password + "a"}).data["tokenAuth"]

    assert codes(wrong) == ["INVALID_CREDENTIALS"]
    assert right["errors"] == []


NFC = "Straße nach Köln, Café"
FORMS = {
    "NFC": NFC,
    "NFD": unicodedata.normalize("NFD", NFC),
    "with NO-BREAK SPACE": NFC.replace(" ", "\u00a0"),
    "with IDEOGRAPHIC SPACE": NFC.replace(" ", "\u3000"),
    "half decomposed": NFC.replace("é", "e\u0301"),
}


@pytest.mark.parametrize("typed", FORMS)
@pytest.mark.parametrize("registered", FORMS)
def test_a_password_is_the_same_on_every_keyboard(register, graphql, registered, typed):
    """S83: macOS composes otherwise than Windows, and Option+Space is another space."""
    assert register(FORMS[registered])["errors"] == []

    answer = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": FORMS[typed]})

    assert answer.data["tokenAuth"]["errors"] == []


@pytest.mark.parametrize("other", [NFC.upper(), NFC.replace("é", "e"), NFC.replace("ß", "ss"), NFC + " "])
def test_a_password_of_other_characters_is_another(register, graphql, other):
    """S83: neither case nor compatibility forms are folded, and no blank goes."""
    register(NFC)

    answer = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": other}).data["tokenAuth"]

    assert codes(answer) == ["INVALID_CREDENTIALS"]


def hashed_before(password: str) -> str:
    """Of the text as it was typed."""
    hasher = ConfiguredArgon2Hasher()
    return Argon2PasswordHasher.encode(hasher, password, hasher.salt())


@pytest.mark.parametrize("made_of", FORMS)
def test_a_hash_made_before_stays_valid(graphql, account, made_of):
    """S83: of the text as it was typed; after a sign-in, every form opens the account."""
    Account.objects.update(password=hashed_before(FORMS[made_of]))

    for typed in (FORMS[made_of], *FORMS.values()):
        answer = graphql(TOKEN_AUTH, input={"email": account.email, "password": typed})
        assert answer.data["tokenAuth"]["errors"] == []


@pytest.mark.parametrize("made_of", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", FORMS)
def test_each_form_of_a_wrong_password_costs_the_same(graphql, account, policy, hashes, made_of, typed):
    """S2, S83: what is typed in an odd form is tried in two, whether there is an account or not."""
    Account.objects.update(password=hashed_before(FORMS[made_of]))
    policy(argon2_memory_cost=16)
    wrong = "x" + FORMS[typed]
    both = ["m=16,t=1,p=1", "m=8,t=1,p=1"]

    assert {
        tuple(hashes(lambda email=email: graphql(TOKEN_AUTH, input={"email": email, "password": wrong})))
        for email in (account.email, "nobody@example.com", make_account(password=None).email)
    } == {tuple(sorted(both * (1 if typed == "NFC" else 2)))}


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("e\u0301o\u0301e\u0301o\u0301x#7K", "PASSWORD_TOO_SHORT"),
        ("pass\u00a0word pass\u3000word", "PASSWORD_TOO_COMMON"),
        ("e\u0301" * 20, "PASSWORD_TOO_COMMON"),
        ("Agn\u00e8s2026-2026-2026", "PASSWORD_TOO_SIMILAR"),
        ("Agne\u0300s2026-2026-2026", "PASSWORD_TOO_SIMILAR"),
    ],
)
def test_a_password_is_judged_as_it_is_hashed(register, password, code):
    """S83: marks of their own do not make it longer, or another one."""
    assert code in refused(register(password, firstName="Agn\u00e8s"))


@pytest.mark.parametrize("piece", ["é", "가", "\u0390", "\u1fef", "\u3000x"])
def test_the_longest_password_opens_in_every_form(register, graphql, piece):
    """S5, S83: 1024 bytes as it is hashed, three times as many as it may be typed."""
    password = f"m4Zr!q9Wp@L {piece}" * 1024
    password = unicodedata.normalize("NFC", password.replace("\u3000", " ")).encode()[:1024].decode(errors="ignore")
    assert register(password)["errors"] == []

    for form in (password, unicodedata.normalize("NFD", password), password.replace(" ", "\u3000")):
        answer = graphql(TOKEN_AUTH, input={"email": ADA["email"], "password": form})
        assert answer.data["tokenAuth"]["errors"] == []


def test_overlong_text_is_not_normalised(hashes, graphql, account):
    """S80: reordering a run of marks takes the square of its length. It is not hashed either."""
    marks = "\u0301\u0316" * 30_000

    assert prepared_password(marks) is marks
    assert hashes(lambda: graphql(TOKEN_AUTH, input={"email": account.email, "password": marks})) == []


def test_djangos_commands_and_forms_take_every_form(admin_browser, monkeypatch, db):
    """S83: a password that `createsuperuser` was given decomposed opens the administration."""
    given = {"email": "root@example.com", "username": "root", "first_name": "Root", "password": FORMS["NFD"]}
    for name, value in given.items():
        monkeypatch.setenv(f"DJANGO_SUPERUSER_{name.upper()}", value)
    call_command("createsuperuser", interactive=False, stdout=io.StringIO())

    form = {"username": given["email"], "password": NFC}
    assert admin_browser.post("/admin/login/?next=/admin/", form).status_code == 302


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "Password12345!", "qwerty123456", "welcome-2026!!", "Latchkey-2026!",
        "iloveyou12345",
        "123456789012", "098765432109", "abcdefghijklmnop", "aaaaaaaaaaaaaaaa", "abababababababab",
        "ＰＡＳＳＷＯＲＤ12345",
        "professional", "            ", "1qaz2wsx3edc", "JustinBieber",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_too_common(register, password):
    """S6: common ones that meet the length, runs, repetitions, and context words with digits."""
    assert "PASSWORD_TOO_COMMON" in refused(register(password))


@pytest.mark.parametrize(
    "password",
    ["ada@example.com", "augusta-lovelace", "Lovelace2026", "ADA@EXAMPLE.COM1", "lovelaceaugusta"],
)
def test_the_persons_own_data_is_too_similar(register, password):
    """S6: names and address."""
    assert "PASSWORD_TOO_SIMILAR" in refused(register(password))


def test_a_password_that_contains_the_username_is_too_similar(register):
    """S6: the user's attributes, the username among them."""
    payload = register("countess-lovelace-1", username="countess-lovelace")

    assert "PASSWORD_TOO_SIMILAR" in refused(payload)


def test_all_failures_of_a_password_are_told_at_once(register):
    """Nobody has to try three times."""
    assert set(refused(register("ada"))) >= {"PASSWORD_TOO_SHORT", "PASSWORD_TOO_COMMON"}


def test_the_minimum_can_be_set(register, policy):
    """S5: configurable."""
    policy(password_min_length=20)
    assert refused(register("m4Zr!q9Wp@Lx-ab")) == ["PASSWORD_TOO_SHORT"]

    policy(password_min_length=8)
    assert register("m4Zr!q9W")["errors"] == []


def test_the_password_is_judged_when_another_field_fails(graphql, db):
    """All field errors at once."""
    answer = graphql(REGISTER, input={**ADA, "email": "nobody", "password": "short"})

    found = {(error["field"][0], error["code"]) for error in answer.data["register"]["errors"]}
    assert found >= {("email", "INVALID_INPUT"), ("password", "PASSWORD_TOO_SHORT")}
    assert not Account.objects.exists()


def test_a_hash_has_the_configured_cost(policy, db):
    """S7: Argon2id, with the parameters of the settings."""
    policy(argon2_time_cost=3, argon2_memory_cost=64, argon2_parallelism=2)

    stored = make_account().password

    assert stored.startswith("argon2$argon2id$v=19$m=64,t=3,p=2$")


def test_the_default_cost_is_owasps():
    """S7: m = 19 MiB, t = 2, p = 1."""
    defaults = Latchkey()

    assert defaults.argon2_memory_cost == 19 * 1024
    assert (defaults.argon2_time_cost, defaults.argon2_parallelism) == (2, 1)


@pytest.mark.parametrize("cost", ["argon2_time_cost", "argon2_memory_cost", "argon2_parallelism"])
def test_signing_in_renews_a_hash_of_another_cost(graphql, policy, settings, cost):
    """S7: and the password still opens the account."""
    account = make_account()
    before = account.password
    policy(**{"argon2_memory_cost": 16, cost: getattr(settings.LATCHKEY, cost) + 1})

    for _ in range(2):
        answer = graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD})
        assert answer.data["tokenAuth"]["errors"] == []

    account.refresh_from_db()
    assert account.password != before
    assert not identify_hasher(account.password).must_update(account.password)


def test_a_wrong_password_renews_nothing(graphql, policy):
    """S7: only who knows it is rehashed."""
    account = make_account()
    before = account.password
    policy(argon2_time_cost=4)

    graphql(TOKEN_AUTH, input={"email": account.email, "password": "not the password"})

    account.refresh_from_db()
    assert account.password == before


def test_an_unchanged_cost_writes_no_password(graphql):
    """S7: no UPDATE of the hash at each sign-in."""
    account = make_account()

    with CaptureQueriesContext(connection) as statements:
        graphql(TOKEN_AUTH, input={"email": account.email, "password": PASSWORD})

    assert not [s for s in statements if 'SET "password"' in s["sql"]]


def test_two_people_with_one_password_have_different_hashes(db):
    """Salted."""
    assert make_account().password != make_account().password


COSTS = ["m=8,t=1,p=1", "m=8,t=3,p=1", "m=64,t=1,p=2"]


def cheap(cost: str) -> dict[str, int]:
    """The settings for a cost."""
    names = ("argon2_memory_cost", "argon2_time_cost", "argon2_parallelism")
    return dict(zip(names, (int(part.partition("=")[2]) for part in cost.split(",")), strict=True))


@pytest.fixture
def people(policy, db) -> list[str]:
    """Addresses: of nobody, of somebody without a password, and of two for each cost, the second disabled."""
    addresses = ["nobody@example.com", make_account(password=None).email]
    for cost in COSTS:
        policy(**cheap(cost))
        addresses += [make_account().email, make_account(is_active=False).email]
    return addresses


@pytest.mark.parametrize("in_force", [*COSTS, "m=16,t=2,p=1"])
def test_a_refusal_costs_the_same_whatever_the_hash_has_cost(graphql, policy, people, hashes, in_force):
    """S2: once the cost was raised or lowered, accounts do not differ from other addresses; counted, not timed."""
    policy(**cheap(in_force))

    def refuse(email: str) -> None:
        payload = graphql(TOKEN_AUTH, input={"email": email, "password": "not the password"}).data["tokenAuth"]
        assert codes(payload) == ["INVALID_CREDENTIALS"]

    assert {tuple(hashes(lambda email=email: refuse(email))) for email in people} == {tuple(sorted({*COSTS, in_force}))}


def test_the_right_password_of_a_disabled_account_costs_the_same(graphql, policy, people, hashes):
    """S1, S2: and renews nothing."""
    policy(**cheap("m=16,t=2,p=1"))
    before = set(Account.objects.values_list("password", flat=True))

    for email in (people[0], Account.objects.filter(is_active=False).first().email):
        run = hashes(lambda email=email: graphql(TOKEN_AUTH, input={"email": email, "password": PASSWORD}))
        assert run == sorted({*COSTS, "m=16,t=2,p=1"})

    assert set(Account.objects.values_list("password", flat=True)) == before


@pytest.mark.parametrize("in_force", COSTS)
def test_the_administration_costs_the_same_too(admin_browser, policy, people, hashes, in_force):
    """S2: its form takes any address."""
    policy(**cheap(in_force))
    admin_browser.get("/admin/login/")

    def refuse(email: str) -> None:
        form = {"username": email, "password": "not the password"}
        assert admin_browser.post("/admin/login/", form).status_code == 200

    assert {tuple(hashes(lambda email=email: refuse(email))) for email in people} == {tuple(sorted(COSTS))}


def test_who_is_right_pays_their_own_cost_only(graphql, policy, people, hashes):
    """S7: and that of the renewed hash, once."""
    policy(**cheap(COSTS[0]))
    given = {"email": people[-2], "password": PASSWORD}

    assert hashes(lambda: graphql(TOKEN_AUTH, input=given)) == sorted([COSTS[2], COSTS[0]])
    assert hashes(lambda: graphql(TOKEN_AUTH, input=given)) == [COSTS[0]]


def test_the_costs_in_use_are_looked_up_and_not_counted(people):
    """One look-up in an index for each, and one that finds no more."""
    with CaptureQueriesContext(connection) as statements:
        assert set(Account.objects.hash_costs()) == set(COSTS)

    assert len(statements) == len(COSTS) + 1
    assert all("LIMIT 1" in statement["sql"] for statement in statements)


@pytest.mark.parametrize("stored", ["argon2$argon2id$v=19$", "argon2$argon2id$v=19$m=1,t=1$x$y", "bcrypt$x", "", "!"])
def test_a_stored_text_that_is_no_hash_harms_nobody(graphql, account, stored):
    """An import that went wrong: the row can be written, and others are refused as ever."""
    Account.objects.update(password=stored)

    payload = graphql(TOKEN_AUTH, input={"email": "nobody@example.com", "password": PASSWORD}).data["tokenAuth"]

    assert codes(payload) == ["INVALID_CREDENTIALS"]

"""What is stored of people: one spelling of an address, one of a name, and what names may be."""

import io

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.people.forms import AccountForm
from accounts.people.models import Account
from accounts.people.usernames import validate_username
from accounts.shared.texts import canonical_email, validate_plain_text
from tests.api import PASSWORD
from tests.factories import make_account

pytestmark = pytest.mark.django_db

RLO = "\u202e"
"""RIGHT-TO-LEFT OVERRIDE."""


def errors_of(**fields: str) -> dict[str, list[str | None]]:
    """The codes of a form's errors, by field."""
    form = AccountForm({"email": "ada@example.com", "username": "ada", "first_name": "Ada", **fields})
    return {name: [error.code for error in errors] for name, errors in form.errors.as_data().items()}


def superuser(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    """Run `createsuperuser` without a terminal."""
    values = {"email": "root@example.com", "username": "root", "first_name": "Root", "password": PASSWORD}
    for name, value in {**values, **environment}.items():
        monkeypatch.setenv(f"DJANGO_SUPERUSER_{name.upper()}", value)
    call_command("createsuperuser", interactive=False, stdout=io.StringIO())


def test_an_account_begins_active_and_without_rights():
    """The defaults."""
    account = Account.objects.create_user("ada@example.com", PASSWORD, username="ada", first_name="Ada")

    assert account.is_active
    assert not (account.is_staff or account.is_superuser or account.email_verified)
    assert account.date_joined is not None
    assert account.last_login is None
    assert (account.last_name, account.get_full_name(), account.get_short_name()) == ("", "Ada", "Ada")
    assert account.check_password(PASSWORD)


@pytest.mark.parametrize("password", [None])
def test_an_account_without_a_password_cannot_use_one(password):
    """The Django convention: unusable, not empty."""
    account = make_account(password=password)

    assert not account.has_usable_password()
    assert not account.check_password("")


@pytest.mark.parametrize("email", ["", None, "  "])
def test_an_account_without_an_address_is_a_value_error(email):
    """The Django convention; blank after trimming is no address either."""
    with pytest.raises(ValueError, match="email"):
        Account.objects.create_user(email, PASSWORD, username="ada", first_name="Ada")

    assert not Account.objects.exists()


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_a_superuser_that_is_none_is_a_value_error(flag):
    """The Django convention."""
    with pytest.raises(ValueError, match=f"Superuser must have {flag}=True"):
        Account.objects.create_superuser(
            "root@example.com", PASSWORD, username="root", first_name="Root", **{flag: False}
        )

    assert not Account.objects.exists()


def test_a_superuser_has_both_flags():
    """The Django convention."""
    account = Account.objects.create_superuser("root@example.com", PASSWORD, username="root", first_name="Root")

    assert (account.is_staff, account.is_superuser, account.is_active) == (True, True, True)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Ada@Example.COM\t", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ADA@BÜCHER.example", "ada@xn--bcher-kva.example"),
        # CYRILLIC SMALL LETTER A for the first a: a homograph, which shows itself.
        ("ada@\u0430pple.com", "ada@xn--pple-43d.com"),
        # FULLWIDTH letters mean the ASCII ones (UTS 46).
        ("ada@\uff45xample.com", "ada@example.com"),
    ],
)
def test_an_address_has_one_spelling(typed, stored):
    """S4: trimmed, lower case, the domain as it travels in DNS."""
    assert canonical_email(typed) == stored
    assert make_account(email=typed).email == stored
    assert canonical_email(stored) == stored


@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "a da@example.com",
        "ada@exam ple.com",
        "ada@@example.com",
        "ada@example.com\n",
        "ada\0@example.com",
        "ada@exam\0ple.com",
        "ada@example.com\r\nBcc: eve@example.com",
        f"{RLO}ada@example.com",
        f"ada@exa{RLO}mple.com",
        "ada@exa\u200bmple.com",
        "\u0430da@example.com",
        # LATIN SMALL LETTER LONG S, DOTLESS I, I WITH DOT: Django ignores case and lets them in.
        "\u017fam@example.com",
        "\u0131da@example.com",
        "\u0130da@example.com",
        '"\x01"@example.com',
        '"\x7f"@example.com',
        f"{'a' * 250}@example.com",
        "ada@-example-.com",
        "ada@\u2488com",
        # They would have the mail server connect within our network.
        "ada@localhost",
        "ada@[10.0.0.5]",
        "ada@10.0.0.50",
    ],
)
def test_what_is_no_address_is_refused(email):
    """A homograph, control and bidi characters in either part are a typed error."""
    if email.endswith("\n") and "\r" not in email:
        assert "email" not in errors_of(email=email)  # trimmed
        return
    assert "email" in errors_of(email=email)


def test_an_address_that_grows_too_long_is_refused():
    """An IDN domain is longer in ASCII than as typed."""
    email = "a" * 60 + "@" + ".".join("小明天地人山水火木金土日月雨雪"[i:] for i in range(3)) + ".example"
    email = "a" * (254 - len(email)) + email
    assert len(email) <= 254 < len(canonical_email(email))

    assert errors_of(email=email) == {"email": ["max_length"]}


@pytest.mark.parametrize("again", ["ADA@example.com", " ada@Example.com", "ada@EXAMPLE.COM"])
def test_an_address_is_taken_in_any_case(again):
    """S4: the form tells, and behind it the database."""
    make_account(email="ada@example.com")

    assert errors_of(email=again) == {"email": ["unique"]}
    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(email=again)
    assert Account.objects.count() == 1


def test_what_keeps_the_constraint_asks_no_database(django_assert_num_queries):
    """Which is the only one: another would have to be asked for."""
    assert [constraint.name for constraint in Account._meta.constraints] == ["account_email_is_canonical"]
    with django_assert_num_queries(0):
        Account(email="ada@example.com").validate_constraints()


def test_what_breaks_the_constraint_is_refused():
    """As Django does."""
    with pytest.raises(ValidationError):
        Account(email="Ada@example.com").validate_constraints()


def test_the_database_refuses_an_address_that_is_not_canonical(account):
    """S4: who goes around the form and the manager hits the constraint."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(pk=account.pk).update(email="ADA@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.bulk_create([Account(email="Eve@example.com", username="eve", first_name="Eve")])

    account.refresh_from_db()
    assert account.email == canonical_email(account.email)
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada", "ADA"),
        ("straße", "STRASSE"),
        ("ﬁona", "fiona"),
        ("ａｄａ", "ada"),
        ("Jose\u0301".encode().decode(), "José"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        # HANGUL FILLER is a letter to Unicode and nothing to the eye (Default_Ignorable_Code_Point).
        ("ada", "ada\u3164"),
    ],
)
def test_a_username_is_taken_in_any_case_and_spelling(one, other):
    """NFKC and case folding decide, and the second of two that look alike is refused one way or another."""
    Account.objects.bulk_create([Account(email="one@example.com", username=one, first_name="One")])

    assert "username" in errors_of(username=other)


def test_the_database_refuses_the_same_username_in_another_case():
    """Through `save`, `bulk_create` and `update_fields` alike."""
    make_account(username="Ada")
    eve = make_account(username="eve")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_account(username="ADA")
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.bulk_create([Account(email="x@example.com", username="aDa", first_name="X")])
    eve.username = "adA"
    with pytest.raises(IntegrityError), transaction.atomic():
        eve.save(update_fields=["username"])

    assert sorted(Account.objects.values_list("username", flat=True)) == ["Ada", "eve"]


def test_the_key_of_a_username_goes_with_it():
    """However the row is written, and saving another field alone leaves it."""
    eve = make_account(username="eve")
    eve.username = "Mallory"
    eve.save(update_fields=["username"])
    eve.first_name = "M"
    eve.save(update_fields=["first_name"])

    assert Account.objects.values_list("username", "username_key").get() == ("Mallory", "mallory")
    assert "username" not in errors_of(username="EVE")


def test_one_may_change_the_case_of_ones_own_name():
    """The look-up for others leaves the account itself out."""
    account = make_account(username="ada")
    form = AccountForm({"email": account.email, "username": "Ada", "first_name": "Ada"}, instance=account)

    assert form.is_valid(), form.errors


def test_a_username_that_grows_too_long_is_refused():
    """One Arabic ligature is eighteen characters after NFKC: an error, not a 500 of PostgreSQL."""
    assert errors_of(username="\ufdfa" * 20) == {"username": ["max_length"]}


@pytest.mark.parametrize(
    "username",
    [
        "ada@example.com", "ada lovelace", "a/b", "a:b", "", " ", "a\0b", f"ada{RLO}", "ada\u200b", "ada\n ",
        "ad\u200da", "<b>", "\u3164", "a" * 151, "ada＠example.com",
    ],
)  # fmt: skip
def test_a_username_is_letters_digits_and_a_few_marks(username):
    """No `@` above all: usernames are public, e-mail addresses are not; nothing invisible."""
    if username == "ada\n ":
        assert errors_of(username=username) == {}  # trimmed
        return
    assert "username" in errors_of(username=username)


@pytest.mark.parametrize("username", ["ada", "Ada.L+x-1_", "Ünïcødé", "小明", "a" * 150])
def test_a_username_may_be_of_any_script(username):
    """Up to 150."""
    validate_username(username)
    assert errors_of(username=username) == {}


@pytest.mark.parametrize("field", ["first_name", "last_name"])
@pytest.mark.parametrize(
    "name",
    [
        "http://evil.example", "a:b", "a/b", "Ada\0", "Ada\x07", "Ada\x85x", f"Ada{RLO}", "Ada\u2066x",
        "Ada\u200ex", "Ada\u2028x", "Ada\u2029x", "Ada\ufeffx", "Ada\u200bx", "Ada\ue000", "A" * 151,
        "Ada\r\nBcc x", "Ada\u2065", "Ada\ufdd0", "Ada\ufff0", "Ada\uffff", "Ada\U0002fffe", "Ada\U000e0fff",
    ],
)  # fmt: skip
def test_a_name_cannot_forge_or_garble_a_line(field, name):
    """S62: our mails greet people by name."""
    assert field in errors_of(**{field: name})


@pytest.mark.parametrize("name", ["Ada", "Mary Ann", "O’Neill", "d'Arc", "علی‌رضا", "ක්‍ෂ", "小明", "J. R."])
def test_names_of_living_languages_are_accepted(name):
    """Joiners too: Persian and Sinhala need them."""
    validate_plain_text(name)
    assert errors_of(first_name=name) == {}


@pytest.mark.parametrize(
    "name", ["\u738b\U0002ebf0", "\u738b\U000323b0", "\U0001e4d0\U0001e4db", "\U00010d4a", "\u1c89", "\u0378"]
)
@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_a_character_younger_than_python_is_not_invisible(field, name):
    """Han of extensions I and H, Nag Mundari, Garay, a Cyrillic letter, and what is assigned some day."""
    validate_plain_text(name)
    assert errors_of(**{field: name}) == {}


@pytest.mark.parametrize("domain", ["\u738b\U0002ebf0.example", "ada\u0378.example", "ada\uffff.example"])
def test_a_domain_of_young_characters_is_what_idna_makes_of_it(domain):
    """As it travels in DNS, or refused: a domain in another script would hide a look-alike."""
    form = AccountForm({"email": f"ada@{domain}", "username": "ada", "first_name": "Ada"})

    assert form.is_valid() == canonical_email(f"ada@{domain}").isascii()


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_a_given_name_is_required_and_a_family_name_is_not(name):
    """Blank alone is empty."""
    assert errors_of(first_name=name, last_name=name) == {"first_name": ["required"]}


def test_a_control_character_is_told_with_a_stable_code():
    """What the API maps."""
    with pytest.raises(ValidationError) as caught:
        validate_plain_text("\x07")

    assert caught.value.code == "invalid"


@pytest.mark.parametrize("typed", ["Ada@Example.com", "ada@example.com", " ADA@EXAMPLE.COM "])
def test_the_natural_key_is_the_address_in_any_case(typed):
    """What fixtures, `createsuperuser` and ModelBackend look up by."""
    account = make_account(email="ada@example.com")

    assert Account.objects.get_by_natural_key(typed) == account
    assert account.natural_key() == ("ada@example.com",)


@pytest.mark.parametrize("typed", ["nobody@example.com", "", None])
def test_an_unknown_natural_key_is_does_not_exist(typed):
    """As Django expects."""
    with pytest.raises(Account.DoesNotExist):
        Account.objects.get_by_natural_key(typed)


def test_accounts_survive_dumpdata_and_loaddata(account):
    """With natural keys, as a backup would."""
    dumped = serializers.serialize("json", Account.objects.all(), use_natural_foreign_keys=True)
    Account.objects.all().delete()

    for found in serializers.deserialize("json", dumped):
        found.save()

    again = Account.objects.get()
    assert (again.pk, again.email, again.username_key) == (account.pk, account.email, account.username)


def test_createsuperuser_works_without_a_terminal(monkeypatch):
    """From the environment, as containers do it."""
    superuser(monkeypatch, email="Root@Example.com")

    account = Account.objects.get(email="root@example.com")
    assert (account.is_superuser, account.is_staff, account.username) == (True, True, "root")
    assert account.check_password(PASSWORD)


def test_createsuperuser_tells_that_the_address_is_taken(monkeypatch):
    """In any case, in words and not with a traceback."""
    make_account(email="root@example.com")

    with pytest.raises(CommandError, match="already"):
        superuser(monkeypatch, email="ROOT@example.com")

    assert Account.objects.count() == 1


def test_createsuperuser_refuses_what_is_no_address(monkeypatch):
    """Django validates the field."""
    with pytest.raises((CommandError, ValidationError)):
        superuser(monkeypatch, email="root")

    assert not Account.objects.exists()


def test_an_address_does_not_move_when_it_is_cleaned_twice():
    """The canonical form is a fixed point, so that the admin can save an account unchanged."""
    account = make_account(email="ada@bücher.example")
    account.full_clean()
    account.save()

    assert Account.objects.get().email == "ada@xn--bcher-kva.example"

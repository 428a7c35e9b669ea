"""S84: a username is of any living script, and nobody has one that looks like somebody else's."""

import contextlib
import importlib
import secrets
import unicodedata

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from accounts.people.forms import AccountForm
from accounts.people.models import Account
from accounts.people.usernames import LOOKALIKES, username_key, validate_username
from tests.api import PASSWORD, REGISTER, codes
from tests.factories import make_account
from tests.live import serving

LIVING = [
    "Ada.L+x-1_", "José", "Ünïcødé", "Nguyễn", "Łukasz", "straße", "ışık", "Ŋgũgĩ", "ʻOkina", "col·lecta",
    "Анна", "Сара", "Їжак", "Ғабит", "Νίκος", "ΣΊΣΥΦΟΣ", "Արամ", "ნინო", "ᲜᲘᲜᲝ",
    "משה", "ג׳ורג׳", "שָׁלוֹם", "محمّد", "علی‌رضا", "ۉیغۇر", "ގުޅިފަޅު", "ܫܡܥܘܢ", "ߒߞߏ", "𞤀𞤣𞤤𞤢𞤥",
    "हिन्दी", "क्‍ष", "বাংলা", "ਗੁਰਪ੍ਰੀਤ", "ગુજરાતી", "ଓଡ଼ିଆ", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "ශ්‍රී", "नेपाली",
    "ณัฐวุฒิ", "ສົມຫມາຍ", "ကျော်စွာ", "สุขุมวิท", "សុខ", "བཀྲ་ཤིས", "ᠮᠣᠩᠭᠣᠯ", "ꦗꦮ", "ᬩᬮᬶ", "ᮞᮥᮔ᮪ᮓ", "ᨅᨔ", "ᨠᩣᩴᨾᩮᩬᩥᨦ",
    "ትግስት", "ᏣᎳᎩ", "ᐃᓄᒃᑎᑐᑦ", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "ꆈꌠ", "ᱥᱟᱱᱛᱟᱲᱤ", "ꯃꯤꯇꯩ", "𑄌𑄋𑄴𑄟𑄳𑄦", "ꕙꔤ", "ꓡꓲ-ꓢꓴ",
    "王小明", "田中さん", "タナカ・ヒロ", "ひろし々", "김철수", "ㅋㅋ", "ㄅㄆㄇ", "Kim철수",
    "王\U0002ebf0", "हिन्दीabc", "محمد1990", "٣٤",
]  # fmt: skip


def errors_of(username: str) -> list[tuple[str | None, str]]:
    """The codes and messages of a form's errors at the username."""
    form = AccountForm({"email": f"{secrets.token_hex(8)}@example.com", "username": username, "first_name": "Ada"})
    return [(error.code, error.message) for error in form.errors.as_data().get("username", [])]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("username", LIVING)
def test_every_living_script_is_accepted(db, username, form):
    """In both forms in which keyboards write it; what is stored is NFC."""
    assert errors_of(unicodedata.normalize(form, username)) == []

    account = make_account(username=unicodedata.normalize(form, username))
    account.refresh_from_db()
    assert account.username == unicodedata.normalize("NFC", username)


@pytest.mark.parametrize(
    "username",
    [
        # Nothing to see, or another order.
        "ada\u200b", "ada\u200d", "\u200cada", "a\u200db", "a\u200cb", "ada\u00ad", "ada\u034f", "ada\u180b",
        "ada\ufe0f", "ada\u2060", "ada\u202e", "ada\u2066", "ada\ufeff", "ada\u115f", "\u3164", "ada\uffa0",
        "ada\u17b4", "ada\u2800", "ada\U000e0061", "ada\U000e0100", "ada\u0640", "ada\ue000", "ada\ufdd0", "a\u2028b",
        # Marks on nothing, or piled up.
        "\u0301ada", "ada.\u0301", "1\u0301", "\u094dक", "a\u0301\u0301", "a\u0301\u0302\u0303\u0304\u0306",
        "ada\u20dd",
        # No letters.
        "🦊", "a b", "a\u00a0b", "a\u3000b", "ada!", "o’neill", "a@b", "ada＠x", "a․b", "a‥b", "a…b",
        "a＿b", "a．b", "ada™️",
        "王\U0002ebf0\u200d王", "l·a", "·", "׳", "ada\u0378",
    ],
)  # fmt: skip
def test_what_does_not_show_or_is_no_letter_is_refused(db, username):
    """As an error of the form."""
    assert [code for code, _message in errors_of(username)] == ["invalid"]


@pytest.mark.parametrize(
    "username",
    [
        "аdmin", "pаypal", "аnна", "Αdmin", "ροot", "օffice", "Ꭺda", "ꓮda", "Анна.Smith", "Νίκος_x", "Աda", "Аα",
        "𐌀𐌁", "ⲁⲇⲁ", "𐐀da", "a𐊠", "١2", "१1", "๑१", "हिन्दीதமிழ்", "แมวキ",
    ],
)  # fmt: skip
def test_scripts_that_look_alike_are_not_mixed(db, username):
    """UTS 39 §5.2, §5.3; the message says what is wrong."""
    assert errors_of(username) == [("invalid", "A username must not mix letters that look alike.")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada", "ＡＤＡ"), ("ada", "𝒶𝒹𝒶"), ("office", "oﬃce"), ("José", "JOSE\u0301"), ("straße", "STRASSE"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"), ("scope", "ѕсоре"), ("ТОМ", "tom"), ("Сара", "capa"), ("NIKE", "ΝΙΚΕ"), ("ëlo", "ёӏо"),
        ("ouo", "օսօ"), ("bap", "ꓐꓮꓑ"), ("ART", "ᎪᎡᎢ"), ("isik", "ısık"), ("google", "ɡooɡle"), ("ニ口", "二ロ"),
        ("へいわ", "ヘいわ"), ("क्\u200dष", "क्ष"),
        ("علی\u200cرضا", "علیرضا"), ("علي", "علی"),
        ("كمال", "کمال"), ("علی۴", "علی٤"), ("ہما", "هما"),
        # With a mark, in one character.
        ("сӧрс", "cöpc"), ("сѐрс", "cèpc"), ("ὸὰὸ", "òàò"), ("べんり", "ベんり"), ("りり", "リリ"),
        ("ʀᴏᴏᴛ", "root"), ("nɩck", "nick"), ("ȷohn", "john"),
    ],
)  # fmt: skip
def test_a_name_that_looks_like_somebodys_is_taken(db, one, other):
    """Whichever came first."""
    for first, second in ((one, other), (other, one)):
        account = make_account(username=first)
        assert [code for code, _message in errors_of(second)] == ["unique"]
        account.delete()


@pytest.mark.parametrize(
    ("one", "other"),
    [("नमक", "नमकं"), ("кот", "код"), ("Ada", "Ada1"), ("หมา", "หมี"), ("محمد", "محمود"), ("さ", "ざ"), ("a.b", "ab")],
)
def test_other_names_are_free(db, one, other):
    """A mark or a letter of difference that shows."""
    make_account(username=one)

    assert errors_of(other) == []


@given(st.text(st.characters(categories=["L", "Mn", "Mc", "Nd"]), max_size=20))
def test_a_key_is_the_same_in_any_case_and_form(text):
    """And is its own."""
    key = username_key(text)

    assert username_key(key) == key
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert username_key(unicodedata.normalize(form, text)) == key


@given(st.text(max_size=40), st.sampled_from(["", "\u200d", "\u0301", "·", "١"]))
def test_no_text_is_an_accident(text, more):
    """Refused or accepted, and never another exception: unassigned characters beside joiners, marks alone."""
    with contextlib.suppress(ValidationError):
        validate_username(text + more)


def test_each_lookalike_is_a_letter_as_it_is_compared():
    """Case folded: the table is looked at after that; and none leads to another."""
    for letter, like in LOOKALIKES.items():
        assert unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", chr(letter)).casefold()) == chr(letter)
        assert like is None or ord(like) not in LOOKALIKES


@pytest.mark.parametrize("username", ["\u0958" * 76, "\u0958" * 30 + "क\u094d\u200dष" * 30, "ﬃ" * 51])
def test_a_name_that_is_longer_as_it_is_stored_is_too_long(db, username):
    """Or as it is compared: an error of the form and not of PostgreSQL."""
    assert len(username) <= 150
    assert [code for code, _message in errors_of(username)] == ["max_length"]


def test_a_long_text_is_not_looked_at(db, monkeypatch):
    """S80: normalising marks takes the square of their number."""
    lengths: list[int] = []
    normalize = unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: lengths.append(len(text)) or normalize(form, text))

    long = "e" + "\u0301\u0316" * 30_000
    assert [code for code, _message in errors_of(long)] == ["max_length"]
    validate_username(long)

    assert max(lengths, default=0) <= 150


def test_names_that_were_stored_before_are_compared_like_new_ones(db):
    """The migration; of two that look alike by now, each keeps its name."""
    names = {"Jose\u0301": "josé", "Сара": "сара", "capa": "capa", "анна": "анна", "علی": "علی"}
    for number, (name, key) in enumerate(names.items()):
        account = make_account(username=f"name{number}")
        Account.objects.filter(pk=account.pk).update(username=name, username_key=key)

    importlib.import_module("accounts.migrations.0006_usernames").rekey(apps, None)

    assert dict(Account.objects.values_list("username", "username_key")) == {
        "José": "josé",
        "Сара": "сара",
        "capa": "capa",
        "анна": "ahha",
        "علی": "علي",
    }


def test_over_http(tmp_path):
    """S81, S84: as people register, with what they read when they cannot."""
    with serving(tmp_path) as live:

        def register(username: str) -> list[str]:
            form = {"email": f"{secrets.token_hex(4)}@example.com", "username": username, "firstName": "A"}
            status, body = live.post(REGISTER, input={**form, "password": PASSWORD})
            assert status == 200
            return codes(body["data"]["register"])

        for username in ("हिन्दी", unicodedata.normalize("NFD", "José"), "ณัฐวุฒิ", "தமிழ்", "محمّد", "王\U0002ebf0"):
            assert register(username) == []
        assert register("José") == ["USERNAME_TAKEN"]
        assert register("pаypal") == register("ada\u200b") == ["INVALID_INPUT"]

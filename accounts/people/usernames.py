"""Which usernames are allowed, and which count as equal (S84).

The allowed characters are those of internationalised domain names (RFC 5892), from the tables of `idna`: letters,
combining marks and digits of every script, joiners where the script needs them, and no invisible characters. Lookalike
letters follow UTS 39: confusable scripts must not be mixed, and names are compared by their appearance.
"""

import contextlib
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST_USERNAME = 150
SEPARATORS = re.compile("[.+_-]")
"""Not `@`: usernames are public, and an e-mail address used as one would be published."""
MAX_MARKS = 4
"""Maximum number of nonspacing marks on one letter (UTS 39 §5.4)."""

EAST_ASIAN = frozenset({"LATIN", "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL"})
"""Scripts that may be mixed in one name."""
BESIDE_LATIN = frozenset({
    "ARABIC", "BENGALI", "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GUJARATI", "GURMUKHI", "HEBREW", "KANNADA",
    "KHMER", "LAO", "MALAYALAM", "MYANMAR", "ORIYA", "SINHALA", "TAMIL", "TELUGU", "THAANA", "THAI",
    "TIBETAN",
})  # fmt: skip
"""Scripts that are not confusable with Latin; one may be mixed with it (UTS 39 §5.2, "moderately restrictive")."""
HISTORIC = frozenset(
    {"CARIAN", "COPTIC", "DESERET", "ELBASAN", "GOTHIC", "LYCIAN", "LYDIAN", "OLD", "RUNIC", "SHAVIAN"}
)
"""Historic scripts, not allowed: many of their letters look Latin."""
ANY_SCRIPT = frozenset({"", "COMBINING", "MODIFIER"})

# ruff: noqa: RUF001 - lookalikes
LOOKALIKES = {
    ord(letter): like
    for letters, like_letters in (
        # Case-folded; some of these look alike only as capitals. Cyrillic, Greek, Armenian, Cherokee, Lisu, Latin.
        ("авсԁеԍнһіјкӏморԛѕтѵԝхуүёї", "abcdeghhijklmopqstvwxyyëï"),
        ("αβεζηικμνορτυχϳάέίόύϊϋ", "abezhikmnoptyxjáéíóýïÿ"),
        ("օսհոյցզլ", "ouhnjgql"),
        ("ᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᏀᏃᏏᏒᏕᏙᏚᏞᏟᏢᏦᏴ", "drtiajewmhgzbrsvslcpkb"),
        ("ꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdtgkjczfmnlsrvhwxyaeiou"),
        ("ıɑɡǀɩȷƅʻ", "iaglijbʼ"),
        ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz"),
        # Variants that Persian and Egyptian keyboards produce for Arabic; Kana that look like Han or like each other.
        ("یىکہ۰۱۲۳۴۵۶۷۸۹", "ييكه٠١٢٣٤٥٦٧٨٩"),
        ("ヘリニカロエタトハー", "へり二力口工夕卜八一"),
    )
    for letter, like in zip(letters, like_letters, strict=True)
} | dict.fromkeys(map(ord, "\u200c\u200d"))
"""Maps each letter to the one it looks like, and drops the joiners."""


def username_key(username: str) -> str:
    """The form in which usernames are compared: NFKC, case-folded, lookalikes mapped to one letter."""
    # Decompose first, so that a lookalike with a mark maps to the letter with that mark.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFD", _folded(username)).translate(LOOKALIKES))


def is_reserved(key: str, reserved: tuple[str, ...]) -> bool:
    """Whether a username with this key is one of the reserved ones, in any case and with any lookalike letters."""
    return key in _keys(reserved)


@lru_cache(maxsize=8)
def _keys(usernames: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(username_key, usernames))


def validate_username(value: str) -> None:
    """Refuse all but letters, marks, digits and separators in permitted places, and mixtures of confusable scripts."""
    folded = _folded(value) if len(value) <= LONGEST_USERNAME else ""
    if not 0 < len(folded) <= LONGEST_USERNAME:
        # The form reports an empty or overlong username.
        return
    if any(map(_is_disguised, value)) or not all(map(_is_word, SEPARATORS.split(folded))):
        raise ValidationError(_("A username has letters, digits and . + - _ only."), code="invalid")
    if _is_mixed(folded):
        raise ValidationError(_("A username must not mix letters that look alike."), code="invalid")


def _folded(username: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())


def _is_disguised(character: str) -> bool:
    """Whether this is a compatibility form of punctuation, such as `…`, which folding turns into allowed separators."""
    return unicodedata.category(character)[0] in "PSZ" and unicodedata.normalize("NFKC", character) != character


def _is_word(word: str) -> bool:
    """Whether each character is allowed in its place, and marks follow letters and do not pile up."""
    previous_category = ""
    for position, character in enumerate(word):
        if not _is_allowed(character) and not _is_allowed_here(word, position):
            return False
        category = unicodedata.category(character)[0]
        if category == "M" and previous_category not in ("L", "M", "C"):
            return False
        previous_category = category
    marks = 0
    for previous, current in pairwise(unicodedata.normalize("NFD", word)):
        marks = marks + 1 if unicodedata.category(current) == "Mn" else 0
        if marks > MAX_MARKS or (marks and previous == current):
            return False
    return True


def _is_allowed(character: str) -> bool:
    # Unlike domain names, usernames may have Hangul jamo.
    name = unicodedata.name(character, "")
    return idna.intranges_contain(ord(character), idna.idnadata.codepoint_classes["PVALID"]) or (
        name.startswith("HANGUL ") and "FILLER" not in name
    )


def _is_allowed_here(word: str, position: int) -> bool:
    """Whether this is a joiner, or a sign such as `·`, in a context that permits it (RFC 5892, Appendix A)."""
    with contextlib.suppress(ValueError):
        return idna.valid_contextj(word, position) or idna.valid_contexto(word, position)
    return False


def _is_mixed(folded: str) -> bool:
    """Whether the name mixes confusable scripts or several sets of digits, or has a historic script."""
    scripts = {_script(c) for c in folded if unicodedata.category(c)[0] in "LM"} - ANY_SCRIPT
    beside_latin = scripts - {"LATIN"}
    may_mix = scripts <= EAST_ASIAN or (len(beside_latin) == 1 and beside_latin <= BESIDE_LATIN)
    zeros = {ord(c) - unicodedata.decimal(c) for c in folded if c.isdecimal()}
    return (len(scripts) > 1 and not may_mix) or bool(scripts & HISTORIC) or len(zeros) > 1


def _script(character: str) -> str:
    """The first word of the character's Unicode name."""
    return re.split("[ -]", unicodedata.name(character, ""), maxsplit=1)[0]

"""The estimate of passwords by zxcvbn, where PASSWORD_MIN_STRENGTH asks for it."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError
from zxcvbn import matching

from accounts.passwords.strength import LONGEST, strength
from accounts.passwords.validators import StrengthValidator
from accounts.people.models import Account
from tests.api import CHANGE_PASSWORD, PASSWORD, REGISTER, codes, refusals
from tests.documents import ROOT

WEAK, STRONG, RARE = "correct1correct1", "plumtree window 7", "zzyxthrimbolde-2026"
ADA = {"email": "ada@example.com", "username": "countess", "firstName": "Augusta", "lastName": "Lovelace"}


@pytest.fixture
def minimum(settings) -> Callable[[int], None]:
    """Ask for this strength."""

    def ask(strength: int) -> None:
        settings.LATCHKEY = replace(settings.LATCHKEY, password_min_strength=strength)

    return ask


@pytest.fixture
def register(graphql):
    """The payload of registering Ada with a password."""
    return lambda password: graphql(REGISTER, input={**ADA, "password": password}).data["register"]


def test_a_weak_password_is_refused(register, minimum):
    """S6: it is long enough, and no rule names it."""
    minimum(3)

    assert refusals(register(WEAK)) == [("PASSWORD_TOO_WEAK", ["password"])]
    assert not Account.objects.exists()
    assert register(STRONG)["errors"] == []


def test_a_changed_password_is_estimated_too(graphql, signed_in, minimum):
    """One policy, whichever way a password comes."""
    minimum(3)
    given = {"currentPassword": PASSWORD, "newPassword": WEAK}

    payload = graphql(CHANGE_PASSWORD, token=signed_in.access_token, input=given).data["changePassword"]

    assert refusals(payload) == [("PASSWORD_TOO_WEAK", ["newPassword"])]


@pytest.mark.parametrize(("asked", "found"), [(0, []), (1, []), (2, ["PASSWORD_TOO_WEAK"])])
def test_the_minimum_is_a_setting(register, minimum, asked, found):
    """0, the default, estimates nothing."""
    minimum(asked)

    assert codes(register(WEAK)) == found


@pytest.mark.parametrize("attribute", ["username", "first_name", "last_name", "email"])
def test_names_and_address_count_as_known(minimum, attribute):
    """S6: who knows the person tries them first."""
    minimum(3)
    StrengthValidator().validate(RARE, Account())

    with pytest.raises(ValidationError, match="easy to guess"):
        StrengthValidator().validate(RARE, Account(**{attribute: RARE.removesuffix("-2026")}))


def test_estimates_of_two_people_are_apart():
    """Zxcvbn keeps personal words in a global, where another thread finds them."""
    before = strength(RARE, [])

    assert strength(RARE, [RARE]) < before
    assert strength(RARE, []) == before
    assert "user_inputs" not in matching.RANKED_DICTIONARIES


@pytest.mark.parametrize("typed", ["correct correct ", "correct\u00a0correct\u3000"])
def test_a_password_is_estimated_as_it_is_hashed(minimum, typed):
    """S83: odd spaces do not make it stronger."""
    minimum(3)

    with pytest.raises(ValidationError, match="easy to guess"):
        StrengthValidator().validate(typed)


SIGNS = "4@8({[<3691!|07$5+%2"
"""All that stand for letters: zxcvbn reads them in 736 ways."""
RANDOM = random.Random(14)  # noqa: S311 - no secret
TEXTS = {
    "signs": SIGNS * 5,
    "signs and letters": "".join(RANDOM.choice(SIGNS + "aeiost") for _ in range(LONGEST)),
    "digits": "".join(RANDOM.choice("0123456789") for _ in range(LONGEST)),
    "two digits": "".join(RANDOM.choice("12") for _ in range(LONGEST)),
    "one letter": "a" * LONGEST,
    "one digit": "1" * LONGEST,
    "pairs": "ab" * 50,
    "repeats in repeats": "aaaaab" * 17,
    "no repeats": "".join("ab"[n.bit_count() % 2] for n in range(LONGEST)),
    "years": "1999" * 25,
    "dates": "1/1/1999" * 13,
    "keys": "qwertyuiopasdfghjklzxcvbnm" * 4,
    "common words": "passwordlovemonkeydragon" * 5,
    "longer than is estimated": SIGNS * 50,
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_worst_text_is_estimated_quickly(text):
    """S80: the signs alone took 5 s, in CPU time of the thread. A plain text of that length takes 30 ms."""
    plain = "correct horse battery staple plumtree window " * 3

    def seconds(password: str) -> float:
        begun = time.thread_time()
        strength(password, ["ada", "lovelace"])
        return time.thread_time() - begun

    seconds(plain)
    assert min(seconds(TEXTS[text]) for _ in range(3)) <= max(5 * min(seconds(plain) for _ in range(3)), 0.1)


@pytest.mark.parametrize(
    "text", ["İıßſǅ" * 20, "٠١٢٣٤٥٦٧٨٩" * 10, "²³¹½𝟘𝟙" * 16, "👩\u200d👧\u0301" * 25, "\x07\u202e" * 50, "1"]
)
def test_any_text_can_be_estimated(text):
    """No server error, whatever a password is made of."""
    assert strength(text, ["İ", ""]) in range(5)


def test_a_short_beginning_of_many_signs_is_enough():
    """A strong password stays strong where only its beginning is estimated."""
    assert strength("x7#Kq!9$@1{[<(|5m%8+0zW", []) == 4


def test_the_library_is_loaded_on_demand():
    """Its dictionaries take 13 MB, which a service that asks for no strength does without."""
    script = "import sys, django; django.setup(); import project.urls; assert 'zxcvbn' not in sys.modules"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}

    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)

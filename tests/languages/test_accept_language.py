"""The language of an answer: that of the header, for this answer only."""

import gc
import json
import string
import time
import tracemalloc
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.utils import translation

from accounts.mails import locale
from accounts.shared.languages import accepted_language, nearest_language
from tests.api import REGISTER, TOKEN_AUTH
from tests.live import UNLIMITED, serving

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
WRONG = {"email": "nobody@example.com", "password": "not the right password"}
MESSAGES = {
    "en": "The e-mail address or the password is not correct.",
    "de": "Die E-Mail-Adresse oder das Passwort ist nicht richtig.",
    "fr": "L’adresse e-mail ou le mot de passe est incorrect.",
}
EVENTS = "{ me { securityEvents(first: 1) { nodes { type message } } } }"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("en;q=0.5,de;q=0.8", "de"),
        ("es,it;q=0.9,fr;q=0.1", "fr"),
        ("es", "en"),
        ("*", "en"),
        ("*,de;q=0.5", "en"),
        ("de;q=0", "en"),
        ("de;q=0.000,fr;q=0.001", "fr"),
        (" fr ; q=0.4 ,\tde ; q=0.6", "de"),
        ("de;q=1.1,;;;,fr", "fr"),
        ("ſ, d\u0435, \x00, \xff, fr", "fr"),
        ("es," * 19 + "de", "de"),
        ("es," * 20 + "de", "en"),
        ("de-" + "a" * 40, "en"),
        ("-, --de, -de, de-", "de"),
    ],
)
def test_the_header_names_the_language(header, language):
    """RFC 9110 §12.5.4: by weight, without what has the weight 0; the first twenty."""
    assert accepted_language(header) == language


@pytest.mark.parametrize(
    ("tag", "nearest"),
    [("de-AT", "de"), ("DE", "de"), ("fr-CA", "fr"), ("pt-BR", "en"), ("", "en"), ("de-x-" + "a" * 40, "en")],
)
def test_the_language_of_a_mail_is_the_nearest(tag, nearest):
    """`Account.locale` is any well-formed tag; it always comes out as one of ours, and written as we do."""
    assert nearest_language(tag) == nearest


@pytest.mark.parametrize("language", MESSAGES)
def test_errors_are_in_the_language_of_the_request(language, graphql):
    """Codes are not translated. The answer tells its language, and that it varies."""
    answer = graphql(TOKEN_AUTH, headers={"Accept-Language": language}, input=WRONG)

    (error,) = answer.data["tokenAuth"]["errors"]
    assert (error["code"], error["message"]) == ("INVALID_CREDENTIALS", MESSAGES[language])
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"].split(", ")


def test_messages_of_forms_are_translated(graphql):
    """Ours with their numbers, and Django's."""
    answer = graphql(
        REGISTER, headers=GERMAN, input={"email": "no", "username": "a\u0000", "firstName": "", "password": "short"}
    )

    messages = {tuple(error["field"]): error["message"] for error in answer.data["register"]["errors"]}
    assert messages["email",].startswith("Bitte gültige E-Mail-Adresse eingeben.")
    assert messages["username",].startswith("Nullzeichen sind nicht")
    assert messages["firstName",] == "Dieses Feld ist erforderlich."
    assert "mindestens 15 Zeichen" in messages["password",]


def test_events_are_told_in_the_language_of_the_reader(graphql, signed_in):
    """Not in that of the request that caused them."""
    found = [
        graphql(EVENTS, token=signed_in.access_token, headers=headers).data["me"]["securityEvents"]["nodes"]
        for headers in (GERMAN, {})
    ]

    assert found == [[{"type": "account:login:success", "message": text}] for text in ("Angemeldet.", "Signed in.")]


@pytest.mark.parametrize("query", ["{ nope }", "{ me ", "{ users(first: 999) { nodes { id } } }"])
def test_errors_for_developers_stay_english(query, graphql):
    """Top-level errors: whoever wrote the operation searches for their text."""
    german, english = graphql(query, headers=GERMAN), graphql(query)

    assert german.body == english.body


def test_a_mail_to_a_stranger_is_in_the_language_of_the_request():
    """Somebody without an account has no `Account.locale`."""
    with translation.override("fr"):
        assert locale.of_request() == "fr"
    assert locale.of_request() == "en"


def test_the_language_ends_with_its_request(client, graphql):
    """Whatever runs in the thread next, in a request without the header too, is in English again."""
    before = translation.get_language()

    graphql(TOKEN_AUTH, headers={"Accept-Language": "fr"}, input=WRONG)
    client.get("/admin/nowhere/", headers={"Accept-Language": "de"})

    assert translation.get_language() == before == "en"


def test_a_thread_does_not_keep_the_language_of_a_request(tmp_path):
    """Over one connection to a server with one thread."""
    body = json.dumps({"query": TOKEN_AUTH, "variables": {"input": WRONG}})
    asked = ["de", None, "fr", "de", "en", "fr", None]
    with serving(tmp_path, THREADS="1", WORKERS="1", **UNLIMITED) as live:
        connection = HTTPConnection(urlsplit(live.url).netloc, timeout=60)
        told = []
        for language in asked:
            headers = {"Content-Type": "application/json", **({"Accept-Language": language} if language else {})}
            connection.request("POST", "/graphql", body, headers)
            told.append(json.load(connection.getresponse())["data"]["tokenAuth"]["errors"][0]["message"])
        connection.close()

    assert told == [MESSAGES[language or "en"] for language in asked]


WORST = {
    "ranges": "a," * 16_000,
    "subtags": "a-" * 16_000,
    "one tag": "a" * 32_000,
    "blanks": " \t" * 16_000,
    "weights": "de;q=0." + "0" * 32_000,
    "semicolons": "de" + ";" * 32_000,
    "almost weights": "de;q=1.000 ;" * 2600,
}


@pytest.mark.parametrize("header", WORST.values(), ids=WORST)
def test_the_worst_header_costs_little(header):
    """S80: as large as headers may be together, a hundred times within a quarter of a second."""
    begun = time.thread_time()

    for _ in range(100):
        accepted_language(header)

    assert time.thread_time() - begun < 0.25


def test_many_headers_leave_little_behind():
    """S92: what look-ups keep is bounded by what it weighs. Django's parser would keep 16 MB."""
    tags = [a + b + c for a in string.ascii_lowercase for b in string.ascii_lowercase for c in "abc"]
    accepted_language("de")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    for number in range(3000):
        accepted_language(",".join(f"{tag}-{'x' * 8}-{number}" for tag in tags[number % 2000 :][:20]) + ",a" * 250)
        nearest_language(f"de-{number}-{'x' * 8}")

    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert kept < 1_000_000

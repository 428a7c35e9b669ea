"""`manage.py settings` shows what is in force, where it comes from, and no secret."""

import json
import re
from typing import Any

import pytest

from tests.project.settings_page import ALL
from tests.project.test_settings import KEY, manage
from tests.providers.keys import key

HUSH = "hush-Zq7"
SECRETS = {
    "SECRET_KEY": f"{HUSH}{KEY}",
    "DATABASE_URL": f"postgres://lk:{HUSH}@db.internal:5433/accounts?application_name={HUSH}",
    "CACHE_URL": f"redis://lk:{HUSH}@cache.internal:6380/2?client_name={HUSH}",
    "EMAIL_URL": f"smtp://lk:{HUSH}@mail.internal:2525",
    "MAILED_CODE_KEYS": f"{HUSH}{KEY},{KEY}{HUSH}",
    "MFA_KEYS": f"{HUSH}{KEY},{KEY}{HUSH}",
    "ANYMAIL_POSTMARK_SERVER_TOKEN": HUSH,
    "GOOGLE_CLIENT_IDS": "g",
    "GOOGLE_CLIENT_SECRET": HUSH,
    "GOOGLE_USERINFO_URL": f"https://u:{HUSH}@userinfo.internal/x",
    "FACEBOOK_GRAPH_URL": f"https://u:p@{HUSH}/{HUSH}@graph.internal/v1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://u:p@{HUSH}@collector.internal",
    "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={HUSH}",
    "APPLE_CLIENT_IDS": "a",
    "APPLE_PRIVATE_KEY": key("apple-client-secret", "ES256").pem,
    "FACEBOOK_APP_SECRET": HUSH,
    "MICROSOFT_CLIENT_SECRET": HUSH,
    "GITHUB_CLIENT_SECRET": HUSH,
    "OPENID_PROVIDERS": "a-b",
    "OPENID_A_B_ISSUER": "https://idp.example",
    "OPENID_A_B_CLIENT_IDS": "web",
    "OPENID_A_B_CLIENT_SECRET": HUSH,
    "GOOGLE_CLIENT_SECRETS": HUSH,
}
SECRET_NAMES = re.compile(
    r"_(?:SECRET|PASSWORD|PRIVATE_KEY|KEYS|(?<!LIMIT_)TOKENS?)$|SECRET_KEY|^(?:DATABASE|CACHE|EMAIL)_URL$"
)


def shown(**environment: str | None) -> dict[str, dict[str, Any]]:
    """The rows of `--json`, by name."""
    return {row["name"]: row for row in json.loads(manage("settings", "--json", **environment).stdout)["settings"]}


@pytest.mark.parametrize("arguments", [[], ["--json"]])
@pytest.mark.parametrize(
    "invalid", [{}, {"WORKERS": "two"}, {"SECRET_KEY": HUSH}, {"DATABASE_URL": f"x://u:{HUSH}@h/n"}]
)
def test_no_secret_is_printed(arguments, invalid):
    """S47: wherever one can stand, whether the settings are refused or not."""
    result = manage("settings", *arguments, **{**SECRETS, **invalid})

    assert "GITHUB_CLIENT_SECRET" in result.stdout
    assert HUSH not in result.stdout + result.stderr
    assert "PRIVATE KEY" not in result.stdout + result.stderr


def test_every_setting_that_is_named_like_a_secret_is_declared_as_one():
    """S47: a new one is easily forgotten."""
    named = {setting.variable for setting in ALL if SECRET_NAMES.search(setting.variable)}

    assert named - {setting.variable for setting in ALL if setting.secret} == set()


def test_the_host_and_the_name_of_each_server_are_printed():
    """An operator wants to know which database it is."""
    rows = shown(**SECRETS)

    assert rows["DATABASE_URL"]["value"] == "postgres://db.internal:5433/accounts"
    assert rows["CACHE_URL"]["value"] == "redis://cache.internal:6380/2"
    assert rows["EMAIL_URL"]["value"] == "smtp://mail.internal:2525"
    assert rows["GOOGLE_USERINFO_URL"]["value"] == "https://userinfo.internal/x"
    assert rows["FACEBOOK_GRAPH_URL"]["value"] == "https://graph.internal/v1"


def test_a_password_that_was_read_as_a_path_is_not_printed():
    """S47: `1/` begins no password in a URL, but a port and a path."""
    assert shown(DATABASE_URL=f"postgres://lk:1/{HUSH}@h/n")["DATABASE_URL"]["value"] == "(hidden)"


def test_every_setting_is_printed_with_its_value_and_origin(tmp_path):
    """From the environment, `.env`, a file, or the default, which may be computed."""
    dotenv, file = tmp_path / "dotenv", tmp_path / "threads"
    dotenv.write_text("WORKERS=1\nPORT=9000\n")
    file.write_text("5\n")

    rows = shown(DOTENV=str(dotenv), WORKERS="1", THREADS_FILE=str(file))

    assert {setting.variable for setting in ALL if "<NAME>" not in setting.variable} == set(rows)
    assert (rows["WORKERS"]["value"], rows["WORKERS"]["origin"]) == (1, "environment")
    assert (rows["PORT"]["value"], rows["PORT"]["origin"]) == (9000, ".env")
    assert rows["THREADS"] == {"name": "THREADS", "value": 5, "origin": "file", "file": str(file)}
    assert (rows["PUBLIC_URL"]["value"], rows["PUBLIC_URL"]["origin"]) == (["https://api.example.com"], "default")
    assert rows["EMAIL_FROM"]["value"] == "Latchkey <no-reply@api.example.com>"
    assert rows["HASHING_SLOTS"]["value"] >= 1


def test_all_refused_values_are_printed_at_once(tmp_path):
    """With the reason, and with what the others are."""
    dotenv = tmp_path / "dotenv"
    dotenv.write_text("PORT=nonsense\n")
    result = manage("settings", WORKERS="two", LIMIT_DEPTH="deep", DOTENV=str(dotenv))

    assert result.returncode == 1
    refused = [line.split()[0] for line in result.stdout.splitlines() if " refused: " in line]
    assert refused == ["LIMIT_DEPTH", "PORT", "WORKERS"]
    assert re.search(r"^PORT .*\(\.env\)$", result.stdout, re.MULTILINE)
    assert re.search(r"^ALLOWED_HOSTS +api\.example\.com +\(environment\)$", result.stdout, re.MULTILINE)
    assert "The service does not start: " in result.stderr


def test_variables_that_nothing_reads_are_printed():
    """Without their values."""
    result = manage("settings", LATCHKEY_WROKERS=HUSH, GOOGLE_CLIENT_ID=HUSH)

    assert "LATCHKEY_WROKERS is set but not used." in result.stdout
    assert "GOOGLE_CLIENT_ID is set but not used. Did you mean GOOGLE_CLIENT_IDS?" in result.stdout
    assert HUSH not in result.stdout


def test_limits_are_printed_as_they_are_written():
    """What is shown can be pasted back."""
    shown_limits = shown(RATE_LIMITS="sign_in.address=7/2h,register.global=off")["RATE_LIMITS"]["value"]

    assert {"sign_in.address=7/2h", "register.global=off", "mail.account=10/1h"} <= set(shown_limits)


def test_a_value_is_on_one_line():
    """Whatever is in it."""
    result = manage("settings", OAUTH_CLIENT_NAME="a\nSECRET_KEY  b")

    assert re.search(r'^OAUTH_CLIENT_NAME +"a\\nSECRET_KEY  b" ', result.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["migrate", "settings"])
def test_a_command_ends_with_one_line_for_a_value_that_is_refused(command):
    """Not with a traceback."""
    result = manage(command, WORKERS="two")

    assert result.returncode == 1
    assert "WORKERS is not a whole number" in result.stderr
    assert len(result.stderr.splitlines()) == 1

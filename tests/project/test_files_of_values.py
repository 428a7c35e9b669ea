"""A variable's value may come from a file, as secrets of Docker and Kubernetes do."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.project.settings_page import ALL
from tests.project.test_environment import VARIABLES, written
from tests.project.test_environment import loaded as with_providers
from tests.project.test_settings import KEY, loaded


def file_with(directory: Path, content: str | bytes) -> str:
    """The path of a file with this content."""
    path = directory / "value"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (KEY, KEY),
        (f"{KEY}\n", KEY),
        (f"{KEY}\r\n", KEY),
        (f"{KEY}\n\n", f"{KEY}\n"),
        (f" {KEY} \n", f" {KEY} "),
        (f'"{KEY}"', f'"{KEY}"'),
    ],
)
def test_a_file_holds_the_value_and_at_most_one_line_end(tmp_path, content, value):
    """S59: nothing else is taken off, and no quotes are read."""
    assert loaded(SECRET_KEY=None, SECRET_KEY_FILE=file_with(tmp_path, content))["SECRET_KEY"] == value


@pytest.mark.parametrize("name", sorted(set(VARIABLES) - {"DOTENV"}))
def test_every_variable_may_come_from_a_file(tmp_path, name):
    """Whatever its type; a value that is none is refused by the variable's name."""
    variable = VARIABLES[name]
    given = {written(name): None, f"{written(name)}_FILE": file_with(tmp_path, "\0")}

    with pytest.raises(ImproperlyConfigured, match=written(name)):
        with_providers(**variable.beside, **given)


def test_a_number_and_a_list_come_from_files(tmp_path):
    """They are parsed as in the environment."""
    (tmp_path / "hosts").write_text("a.example, b.example\n")

    in_force = loaded(
        WORKERS_FILE=file_with(tmp_path, "3\n"), ALLOWED_HOSTS=None, ALLOWED_HOSTS_FILE=str(tmp_path / "hosts")
    )

    assert (in_force["WORKERS"], in_force["ALLOWED_HOSTS"]) == (3, ["a.example", "b.example"])


def test_settings_of_other_packages_come_from_files_too(tmp_path):
    """The tokens of mail providers are secrets."""
    in_force = loaded(ANYMAIL_POSTMARK_SERVER_TOKEN_FILE=file_with(tmp_path, "hush\n"))

    assert in_force["ANYMAIL"]["POSTMARK_SERVER_TOKEN"] == "hush"
    assert "POSTMARK_SERVER_TOKEN_FILE" not in in_force["ANYMAIL"]


def test_a_value_and_a_file_at_once_are_refused(tmp_path):
    """By both names: one of them is forgotten."""
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY and SECRET_KEY_FILE") as refusal:
        loaded(SECRET_KEY_FILE=file_with(tmp_path, KEY))

    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "cause"),
    [(None, "cannot be read"), (b"\xff", "UTF-8"), (b"a" * 70_000, "no text"), (b"a\0", "no text")],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path, content, cause):
    """S47: without what it holds."""
    path = str(tmp_path / "absent") if content is None else file_with(tmp_path, content)

    with pytest.raises(ImproperlyConfigured, match=f"SECRET_KEY_FILE.*{cause}") as refusal:
        loaded(SECRET_KEY=None, SECRET_KEY_FILE=path)

    assert "aaa" not in str(refusal.value)


@pytest.mark.parametrize("path", ["", "/"])
def test_what_is_no_file_is_refused_by_name(path):
    """An empty path, as of an unset variable in a compose file, and a directory."""
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FILE"):
        loaded(SECRET_KEY=None, SECRET_KEY_FILE=path)


def test_the_environment_wins_over_dotenv_whichever_names_a_file(tmp_path):
    """A secret of the container replaces the value of a developer's `.env`, and the other way round."""
    dotenv = tmp_path / "dotenv"
    dotenv.write_text(f"SECRET_KEY={KEY[::-1]}\nWORKERS_FILE=/no/such/file\n")

    in_force = loaded(
        DOTENV=str(dotenv), SECRET_KEY=None, SECRET_KEY_FILE=file_with(tmp_path, KEY), WORKERS="1", LATCHKEY_ENV=None
    )

    assert (in_force["SECRET_KEY"], in_force["WORKERS"]) == (KEY, 1)


def test_no_variable_is_named_like_the_file_of_another():
    """Else it would be read as one."""
    names = {setting.variable for setting in ALL}

    assert {name for name in names if f"{name}_FILE" in names} == set()

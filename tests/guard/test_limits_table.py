"""The setting RATE_LIMITS, its table in docs/guard.md, and the checks of it."""

import os
import re
from dataclasses import replace

import pytest
from django.core.checks import run_checks

from accounts.conf import DEFAULTS, Rate, rate_limits
from accounts.guard.limits import SUCCESSES_COUNT, Action, Line
from tests.documents import ROOT
from tests.redis_server import configuration

PAGE = ROOT / "docs/guard.md"
BEGIN, END = "<!-- limits: begin -->\n", "<!-- limits: end -->\n"


def table() -> str:
    """The defaults, as docs/guard.md shows them."""
    rows = [
        " | ".join(
            [
                f"| `{action}`",
                *(_cell(f"{action}.{line}") for line in Line),
                "all |" if action in SUCCESSES_COUNT else "failures |",
            ]
        )
        for action in Action
    ]
    heading = " | ".join(["| Action", *(f"`{line}`" for line in Line), "Counts |"])
    return "\n".join([heading, "|---" * (len(Line) + 2) + "|", *rows]) + "\n"


def _cell(name: str) -> str:
    return "" if name not in DEFAULTS else str(DEFAULTS[name] or "off")


def test_the_table_of_the_document_is_the_one_in_force():
    """`WRITE_DOCS=1` writes it."""
    before, rest = PAGE.read_text().split(BEGIN)
    shown, after = rest.split(END)
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(before + BEGIN + table() + END + after)
        shown = table()

    assert shown == table()


def test_each_action_has_lines_and_each_line_an_action():
    """A new action is one line in the enum and its lines in the table."""
    names = {name: name.partition(".") for name in DEFAULTS}

    assert {action for action, _, _ in names.values()} == set(Action)
    assert {line for _, _, line in names.values()} == set(Line)
    # Nobody asks for a notice, from any address.
    assert all(DEFAULTS[f"{action}.address"] for action in Action if action is not Action.NOTICE)


def test_lines_replace_those_of_the_table():
    """The others stay."""
    limits = rate_limits(" sign_in.account = 5/2h ,register.address=off,")

    assert limits["sign_in.account"] == Rate(5, 7200)
    assert limits["register.address"] is None
    changed = {"sign_in.account", "register.address"}
    assert all(limits[name] == DEFAULTS[name] for name in DEFAULTS.keys() - changed)


def test_no_lines_are_the_table():
    """An empty value changes nothing."""
    assert rate_limits("") == DEFAULTS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sign_in.account=5/1h,sign_in.adress=5/1h", "item 2 is not `action.line=rate`"),
        ("sign_in.account", "item 1 is not `action.line=rate`"),
        ("sign_in.account=5 per hour", "item 1 is neither `off` nor a rate"),
        ("sign_in.account=5/1h,sign_in.account=off", "item 2 repeats"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(text, said):
    """Without the value, as for every setting."""
    with pytest.raises(ValueError, match=re.escape(said)) as refusal:
        rate_limits(text)

    assert "adress" not in str(refusal.value)


def test_a_rate_is_written_as_it_is_read():
    """In the largest unit that fits."""
    for text in ("1/1s", "30/15m", "7/90m", "5/1d", "100/2h"):
        limits = rate_limits(f"sign_in.address={text}")
        assert str(limits["sign_in.address"]) == text


def found(settings) -> set[str]:
    """Ids of what the checks find."""
    return {str(message.id) for message in run_checks(include_deployment_checks=True)}


@pytest.mark.parametrize(("proxies", "warned"), [(0, True), (1, False)])
def test_a_deployment_without_trusted_proxies_is_warned(settings, proxies, warned):
    """S73, accounts.W002: all its clients would have the proxy's address."""
    settings.TRUSTED_PROXIES = proxies

    assert ("accounts.W002" in found(settings)) == warned


@pytest.mark.parametrize(
    ("workers", "backend", "warned"),
    [
        (1, "django.core.cache.backends.locmem.LocMemCache", False),
        (2, "django.core.cache.backends.db.DatabaseCache", True),
        (2, "", False),
    ],
)
def test_workers_that_do_not_share_limits_are_told(settings, workers, backend, warned):
    """accounts.W003: only Redis can count for all of them."""
    caches = {"default": {"BACKEND": backend, "LOCATION": "cache"}} if backend else configuration(6379)
    settings.WORKERS, settings.CACHES = workers, caches

    assert ("accounts.W003" in found(settings)) == warned


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("", False),
        ("sign_in.account=10/1h", True),  # as many at once as one address has
        ("sign_in.account=30/4h", True),  # fewer in the long run
        ("sign_in.account=off,sign_in.account_address=off", False),
        ("sign_in.account_address=off", True),
    ],
)
def test_limits_by_which_one_address_locks_an_account_are_warned_of(settings, text, warned):
    """S53, accounts.W004."""
    settings.LATCHKEY = replace(settings.LATCHKEY, rate_limits=rate_limits(text))

    assert ("accounts.W004" in found(settings)) == warned

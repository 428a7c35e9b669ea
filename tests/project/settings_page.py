"""docs/settings.md and .env.example, as printed from the declarations of settings."""

import textwrap
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from accounts.conf import Latchkey, Limits, Setting
from project import providers, variables
from project.environment import declared
from tests.documents import ROOT

PAGE, EXAMPLE = ROOT / "docs" / "settings.md", ROOT / ".env.example"
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
SECTIONS: dict[str, tuple[type, ...]] = {
    "Service": (variables.Start, variables.Service),
    "Data": (variables.Data,),
    "Mails": (variables.Mails,),
    "Proxies": (variables.Proxies,),
    "Browsers": (variables.Browsers,),
    "Accounts, tokens and sign-in": (Latchkey,),
    "GraphQL documents": (Limits,),
    "Providers": (providers.File,),
    "Google": (providers.Google, providers.GoogleEndpoints),
    "Apple": (providers.Apple,),
    "Facebook": (providers.Facebook, providers.FacebookURLs),
    "Microsoft": (providers.Microsoft,),
    "GitHub": (providers.GitHub, providers.GitHubURLs),
    "Other OpenID providers": (providers.Others, providers.OpenID),
}
HEADER = """\
# Settings are read from the environment, and from .env beside manage.py: `make run` writes one for development.
# docs/settings.md lists all of them with their defaults. An empty value is a value: leave out what you do not set.
"""


def settings_of(*groups: type) -> Iterator[Setting]:
    """The settings of some dataclasses."""
    for group in groups:
        yield from declared(group).values()


ALL = [setting for groups in SECTIONS.values() for setting in settings_of(*groups)]


def page() -> str:
    """docs/settings.md with tables of the settings as they are declared."""
    before, rest = PAGE.read_text().split(BEGIN)
    tables = [
        "\n".join(
            [f"## {heading}\n", "| Variable | Default | Meaning |", "|---|---|---|", *map(_row, settings_of(*groups))]
        )
        for heading, groups in SECTIONS.items()
    ]
    return before + BEGIN + "\n\n".join(tables) + "\n" + END + rest.split(END)[1]


def example() -> str:
    """The file .env.example: the settings that have an example."""
    entries = [
        f"{textwrap.fill(setting.help, 120, initial_indent='# ', subsequent_indent='# ', break_on_hyphens=False)}\n"
        f"# {setting.variable}={setting.example}\n"
        for setting in ALL
        if setting.example is not None
    ]
    return "\n".join([HEADER, *entries])


def _row(setting: Setting) -> str:
    defaults = [setting.shown or _value(setting.default, setting.unit)]
    if setting.development is not None and not isinstance(setting.development, dict):  # `shown` describes it
        defaults.append(_value(setting.development, setting.unit))
    help_ = setting.help
    if isinstance(setting.default, StrEnum):
        help_ += f" One of {', '.join(f'`{choice}`' for choice in type(setting.default))}."
    return f"| `{setting.variable}` | {' / '.join(defaults)} | {help_} |"


def _value(value: Any, unit: str) -> str:
    text = ",".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
    if not text:
        return "none"
    written = text.lower() if isinstance(value, bool) else text
    return " ".join(filter(None, [f"`{written}`", unit])) + (_in_days(value) if unit == "seconds" else "")


def _in_days(seconds: int) -> str:
    days = seconds // 86400
    return f" ({days} {'day' if days == 1 else 'days'})" if days else ""

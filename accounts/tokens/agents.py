"""Readable names of browsers and apps."""

from functools import cache, lru_cache

from ua_parser import Parser
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

IOS = ("iPad", "iPhone", "iPod")
NAMES = {"Mac OS X": "macOS"}
CACHED = 1024
"""Agents: at most 255 characters each."""


@lru_cache(maxsize=CACHED)
def device_name(user_agent: str) -> str | None:
    """A name such as `Safari on iPhone`, `Chrome on Android` or `curl`; None for an agent that nobody knows.

    It is a claim of the client, no more. Takes time linear in the agent, which is a stranger's text (S80).
    """
    parser = _parser()
    browser, system = parser.parse_user_agent(user_agent), parser.parse_os(user_agent)
    family = browser and browser.family.removeprefix("Mobile ").removesuffix(" iOS").removesuffix(" Mobile")
    place = system and NAMES.get(system.family, system.family)
    if place == "iOS":
        place = next((device for device in IOS if device in user_agent), place)
    return f"{family} on {place}" if family and place else family or place or None


@cache
def _parser() -> Parser:
    """Read the rules when they are first needed.

    The engine in Rust matches in linear time, the one in Python backtracks. The rules for devices are left out: they
    name hundreds of telephones, and take as much memory as all others.
    """
    browsers, systems, _devices = load_lazy_builtins()
    return Parser(Resolver((browsers, systems, [])))

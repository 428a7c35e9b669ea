"""Readable names of browsers and apps, of a stranger's text."""

import time

import pytest

from accounts.shared.caller import LONGEST_USER_AGENT
from accounts.tokens.agents import CACHED, device_name

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) {WEBKIT} Version/17.0 Mobile Safari/604.1",
         "Safari on iPhone"),
        (f"Mozilla/5.0 (iPad; CPU OS 12_4 like Mac OS X) {WEBKIT} CriOS/120.0 Mobile Safari/604.1", "Chrome on iPad"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/17.4 Safari/605.1.15", "Safari on macOS"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/126.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Linux"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
        ("Dart/3.1 (dart:io)", None),
        ("", None),
        ("\x80\xff", None),
    ],
)  # fmt: skip
def test_the_name_of_an_agent(agent, name):
    """The browser, and what it runs on; as much as is known."""
    assert device_name(agent) == name


WORST = ["x", " ", "; ", "/", "(", "a/", "1.", "-", "Windows ", "Mozilla/5.0 (Linux; Android 4; a a ", "CFNetwork/"]


def test_no_agent_costs_much():
    """S80: the engine takes linear time; a page of a hundred sessions parses at most as many of the longest agents."""
    device_name("")

    for text in WORST:
        agents = [f"{number}{text * LONGEST_USER_AGENT}"[:LONGEST_USER_AGENT] for number in range(100)]
        begun = time.thread_time()
        for agent in agents:
            device_name.__wrapped__(agent)
        # It takes about 1 ms.
        assert time.thread_time() - begun < 0.1, text


def test_what_is_remembered_of_agents_is_bounded():
    """S92: by number, and by what is stored of each."""
    assert device_name.cache_info().maxsize == CACHED
    assert CACHED * LONGEST_USER_AGENT < 2**20

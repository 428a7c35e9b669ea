"""The report of tests/bench/side_by_side.py, from samples that nobody measured."""

from xml.etree import ElementTree as ET

import pytest

from tests.bench.__main__ import DOCUMENT, PARTS
from tests.bench.load import Client, Sample, request
from tests.bench.report import Results, best_peer, has_block, markdown, marks, median, number, spliced, svg
from tests.bench.subjects import BARE_LOOK_UP, HASH, ME, OPERATIONS, OURS, PEERS, REFRESH, REGISTER, SIGN_IN, USERS


def sampled(cpu: float, *, database: float | None = 0.5, rate: float = 100) -> Sample:
    """A sample of which one thing matters."""
    return Sample(cpu=cpu, database=database, rate=rate)


RESULTS = Results(
    database="PostgreSQL <15>",
    operations={
        ME: {
            OURS: sampled(2, rate=500),
            BARE_LOOK_UP: sampled(1.6),
            PEERS[0]: sampled(5, rate=200),
            PEERS[1]: sampled(4),
        },
        USERS: {OURS: sampled(6)},
        SIGN_IN: {HASH: sampled(20, database=None), OURS: sampled(21), PEERS[2]: sampled(30)},
        REFRESH: {OURS: sampled(4), PEERS[1]: sampled(8)},
        REGISTER: {HASH: sampled(20, database=None), OURS: sampled(1234)},
    },
)


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the first table, by the first of each row."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    found: dict[str, list[str]] = {}
    for name, *cells in lines:
        found.setdefault(name.strip(), [cell.strip() for cell in cells])
    return found


def test_a_median_is_taken_of_each_measure_by_itself():
    """The sample of the least CPU is not the one of the highest rate."""
    samples = [sampled(1, rate=9, database=7), sampled(3, rate=1, database=5), sampled(2, rate=5, database=6)]

    assert median(samples) == sampled(2, rate=5, database=6)


def test_a_median_without_a_database_has_none():
    """As on SQLite."""
    assert median([sampled(1, database=None), sampled(2, database=None), sampled(3, database=None)]).database is None


def test_the_best_peer_is_neither_we_nor_a_bare_view():
    """Of costs the least, of rates the highest."""
    row = RESULTS.operations[ME]

    assert best_peer(row, lambda sample: sample.cpu) == 4
    assert best_peer(row, lambda sample: sample.rate, max) == 200
    assert best_peer(RESULTS.operations[USERS], lambda sample: sample.cpu) is None


def test_numbers_have_three_digits():
    """Whatever their size; a missing one is a dash."""
    assert [number(value) for value in (0.123, 2.345, 23.45, 234.5, 2345, None)] == [
        "0.12",
        "2.35",
        "23.4",
        "234",
        "2,345",
        "–",
    ]


def test_the_table_has_our_ratios():
    """To the best peer, to the bare view, to `me`, and above the hash."""
    table = rows(markdown([RESULTS], versions={PEERS[0]: "3.5.0"}))

    assert table["CPU of the server, ms a request"] == list(OPERATIONS)
    assert table[f"{PEERS[0]} 3.5.0"][0] == "5.00"
    assert table[f"**{OURS}**"] == ["**2.00**", "**6.00**", "**21.0**", "**4.00**", "**1,234**"]
    assert table[f"{OURS} ÷ best peer"][0] == "0.50"
    assert table[f"{OURS} ÷ best peer"][2:4] == ["0.70", "0.50"]
    assert table[f"{OURS} ÷ {BARE_LOOK_UP}"][0] == "1.25"
    assert table[f"{OURS} ÷ its me"][1] == "3.00"
    assert table[f"{OURS} over the hash"][2] == "+5 %"


def test_the_database_has_a_table_only_where_its_processes_were_seen():
    """SQLite has none."""
    without = {
        name: {subject: sampled(1, database=None) for subject in row} for name, row in RESULTS.operations.items()
    }

    assert "CPU of PostgreSQL" in markdown([RESULTS], versions={})
    assert "CPU of PostgreSQL" not in markdown([Results(database="SQLite", operations=without)], versions={})


def test_a_block_replaces_only_what_stands_between_its_marks():
    """What is written by hand around it stays, and so do the other blocks."""
    begin, end = marks("peers")
    text = f"Before\n\n{begin}\nold\n{end}\n\nBetween\n\n{marks('me')[0]}\nkept\n{marks('me')[1]}\n"

    new = spliced(text, "peers", "| \\1 |")

    assert new == text.replace(f"{begin}\nold\n{end}", f"{begin}\n\n| \\1 |\n\n{end}")
    assert spliced(new, "peers", "| \\1 |") == new


def test_a_block_without_marks_is_not_written_anywhere():
    """Nor where they stand in the wrong order."""
    begin, end = marks("peers")

    for text in ("", begin, f"{end} {begin}"):
        assert not has_block(text, "peers")
        with pytest.raises(ValueError, match="peers"):
            spliced(text, "peers", "new")


def test_the_document_has_the_block_of_the_peers():
    """Otherwise their results would go nowhere."""
    assert PARTS[0].name == "peers"
    assert has_block(DOCUMENT.read_text(), "peers")


def test_the_picture_has_a_bar_for_each_sample_in_proportion():
    """Well-formed, with text as text, within its width."""
    picture = ET.fromstring(svg(RESULTS))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    bars = [bar for bar in picture.iter(f"{space}rect") if "bar" in bar.attrib["class"].split()]
    texts = [text.text for text in picture.iter(f"{space}text")]

    assert len(bars) == sum(len(row) for row in RESULTS.operations.values())
    first = {bar.attrib["class"]: float(bar.attrib["width"]) for bar in bars[:4]}
    assert first["bar own"] / first["bar bare"] == pytest.approx(2 / 1.6, abs=0.01)
    assert all(
        float(bar.attrib["x"]) + float(bar.attrib["width"]) < float(picture.attrib["width"]) - 60 for bar in bars
    )
    assert "CPU of the server, ms a request, on PostgreSQL <15>" in texts
    assert {"1,234", OURS, HASH} <= set(texts)


def test_the_picture_has_colours_for_light_and_dark():
    """Also of the ground, since the page around it may be of the other kind."""
    light, dark = svg(RESULTS).split("prefers-color-scheme: dark")

    for kind in ("text {", ".back {", ".bar {", ".bar.own {", ".note {"):
        assert kind in light and kind in dark


def test_a_client_chooses_its_next_request_by_the_last_answer():
    """As a refresh does, which needs the newest token."""

    def exchange():
        body = yield b"first"
        while True:
            body = yield b"after " + body

    client = Client(exchange())
    assert client.request == b"first"
    client.answered(b"one")
    assert client.request == b"after one"


def test_a_request_has_the_length_of_its_body():
    """In bytes; one without body has no type."""
    head, _, body = request("POST", "/graphql", {"é": 1}, X_Some="x").partition(b"\r\n\r\n")

    assert f"Content-Length: {len(body)}".encode() in head
    assert b"X-Some: x" in head and b"Content-Type: application/json" in head
    assert b"Content-" not in request("GET", "/me")

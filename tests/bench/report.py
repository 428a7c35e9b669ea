"""The results of tests/bench/side_by_side.py as Markdown and as a picture: nothing here measures."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tests.bench.load import Sample
from tests.bench.subjects import BARE_BEHIND, BARE_LOOK_UP, HASH, IN_ORDER, ME, OPERATIONS, OURS, PEERS, USERS

Row = Mapping[str, Sample]
"""The medians of one operation, by subject."""
Value = Callable[[Sample], float | None]


@dataclass(frozen=True, kw_only=True)
class Results:
    """The medians on one database."""

    database: str
    """With its version, such as `PostgreSQL 15.20`."""
    operations: Mapping[str, Row]

    @property
    def subjects(self) -> list[str]:
        """Those of any operation, in the order in which they are shown."""
        return [name for name in IN_ORDER if any(name in row for row in self.operations.values())]


def median(samples: Sequence[Sample]) -> Sample:
    """The median of each measure by itself."""
    in_database = [sample.database for sample in samples if sample.database is not None]
    return Sample(
        cpu=statistics.median(sample.cpu for sample in samples),
        database=statistics.median(in_database) if in_database else None,
        rate=statistics.median(sample.rate for sample in samples),
    )


def best_peer(row: Row, value: Value, best: Callable[[list[float]], float] = min) -> float | None:
    """The best value of a peer; None if no peer has the operation."""
    found = [figure for name in PEERS if name in row and (figure := value(row[name])) is not None]
    return best(found) if found else None


def number(value: float | None) -> str:
    """With three digits or so."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(heading: str, rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table of Markdown with a column for each operation."""
    lines = [f"| {heading} | " + " | ".join(OPERATIONS) + " |", "|---|" + "---:|" * len(OPERATIONS)]
    return "\n".join([*lines, *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows)])


def values(
    heading: str,
    results: Results,
    value: Value,
    *,
    versions: Mapping[str, str],
    best: Callable[[list[float]], float] = min,
    goals: bool = False,
) -> str:
    """The table of one measure, with our ratio to the best peer."""
    rows: list[tuple[str, Sequence[str]]] = []
    for name in results.subjects:
        cells = [number(value(row[name])) if name in row else "" for row in results.operations.values()]
        shown = " ".join(filter(None, (name, versions.get(name, ""))))
        rows.append((f"**{shown}**", [cell and f"**{cell}**" for cell in cells]) if name == OURS else (shown, cells))
    rows.append((f"{OURS} ÷ best peer", [_ratio(row, value, best) for row in results.operations.values()]))
    if goals:
        rows.extend(_goals(results))
    return table(heading, rows)


def _ratio(row: Row, value: Value, best: Callable[[list[float]], float]) -> str:
    peer, own = best_peer(row, value, best), value(row[OURS])
    return f"{own / peer:.2f}" if peer and own is not None else ""


def _goals(results: Results) -> Iterator[tuple[str, Sequence[str]]]:
    """Our CPU beside bare views, and `users` beside `me`."""

    def cells(by: Callable[[str, Row], str]) -> list[str]:
        return [by(operation, row) for operation, row in results.operations.items()]

    def by_name(name: str) -> list[str]:
        return cells(lambda _, row: f"{row[OURS].cpu / row[name].cpu:.2f}" if name in row else "")

    yield f"{OURS} ÷ {BARE_BEHIND}", by_name(BARE_BEHIND)
    yield f"{OURS} ÷ {BARE_LOOK_UP}", by_name(BARE_LOOK_UP)
    me = results.operations[ME][OURS].cpu
    yield f"{OURS} ÷ its me", cells(lambda operation, row: f"{row[OURS].cpu / me:.2f}" if operation == USERS else "")
    over = cells(lambda _, row: f"{(row[OURS].cpu / row[HASH].cpu - 1) * 100:+.0f} %" if HASH in row else "")
    yield f"{OURS} over the hash", over


def markdown(all_results: Sequence[Results], *, versions: Mapping[str, str]) -> str:
    """The tables of all databases."""
    parts = []
    for results in all_results:
        parts.append(f"### {results.database}")
        server = "CPU of the server, ms a request"
        parts.append(values(server, results, lambda sample: sample.cpu, versions=versions, goals=True))
        parts.append(values("Requests a second", results, lambda sample: sample.rate, versions=versions, best=max))
        if any(sample.database is not None for row in results.operations.values() for sample in row.values()):
            own = "CPU of PostgreSQL, ms a request"
            parts.append(values(own, results, lambda sample: sample.database, versions=versions))
    return "\n\n".join(parts)


def marks(name: str) -> tuple[str, str]:
    """The comments around a block that is written."""
    return f"<!-- bench {name}: written by `make bench` -->", f"<!-- end of bench {name} -->"


def has_block(text: str, name: str) -> bool:
    """Whether the text has the marks of this name, in their order."""
    begin, end = marks(name)
    return 0 <= text.find(begin) < text.find(end)


def spliced(text: str, name: str, block: str) -> str:
    """The text with all between the marks of this name replaced. Raises ValueError if it has no such marks."""
    if not has_block(text, name):
        raise ValueError(f"There are no marks of the block {name}.")
    begin, end = marks(name)
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


# The picture -----------------------------------------------------------------------------------------------------

WIDTH, LABELS, VALUES, BAR, STEP, MARGIN = 760, 250, 70, 16, 22, 20
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.back { fill: #ffffff } .title { font-weight: 600; font-size: 16px } .head { font-weight: 600 }
.own { font-weight: 600 } .note { fill: #59636e; font-size: 12px }
.bar { fill: #8c959f } .bar.bare { fill: #c8ced5 } .bar.own { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .back { fill: #0d1117 } .note { fill: #9198a1 }
  .bar { fill: #656c76 } .bar.bare { fill: #3d444d } .bar.own { fill: #4493f8 }
}
"""


def svg(results: Results) -> str:
    """Bars of the CPU of each operation, each operation on a scale of its own; shorter is better."""
    parts: list[str] = []
    y = MARGIN + 16
    parts.append(_text(MARGIN, y, f"CPU of the server, ms a request, on {results.database}", "title"))
    y += 20
    parts.append(_text(MARGIN, y, "Shorter is better. Each operation has a scale of its own.", "note"))
    for operation, row in results.operations.items():
        y += 34
        parts.append(_text(MARGIN, y, operation, "head"))
        y += 8
        longest = max(sample.cpu for sample in row.values())
        for name in (name for name in results.subjects if name in row):
            kind = "own" if name == OURS else "" if name in PEERS else "bare"
            width = row[name].cpu / longest * (WIDTH - LABELS - VALUES - 2 * MARGIN)
            middle = y + BAR - 4
            parts.append(_text(MARGIN + LABELS - 8, middle, name, kind, anchor="end"))
            parts.append(
                f'<rect class="{f"bar {kind}".strip()}" x="{MARGIN + LABELS}" y="{y}" width="{width:.1f}"'
                f' height="{BAR}" rx="2"/>'
            )
            parts.append(_text(MARGIN + LABELS + width + 8, middle, number(row[name].cpu), kind))
            y += STEP
    height = y + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' role="img" aria-labelledby="title">'
    )
    title = f'<title id="title">{escape(f"CPU of the server for each operation, on {results.database}")}</title>'
    back = f'<rect class="back" width="{WIDTH}" height="{height}" rx="6"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", back, *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "") -> str:
    attributes = "".join(f' {name}="{value}"' for name, value in (("class", kind), ("text-anchor", anchor)) if value)
    return f'<text x="{x:.1f}" y="{y}"{attributes}>{escape(text)}</text>'

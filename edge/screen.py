"""Lines of text for `edge top`: the overview of an instance as a terminal shows it.

Rules of this file:
- A line is as wide as it may be, and no wider; what does not fit is cut off.
- Names come from users: what a terminal might take for a command is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BARS: Final = " ▁▂▃▄▅▆▇█"
BOLD, DIM, RED, YELLOW, GREEN = "1", "2", "31", "33", "32"
MUCH: Final = 0.01
"""Share of errors from which on it is red."""


def head(overview: dict[str, Any], width: int, *, colours: bool) -> Iterator[str]:
    """What is to be known of the instance as a whole."""
    table, requests, now = overview["table"], overview["requests"], overview["now"]
    ready = _painted("ready", GREEN, colours) if overview["ready"] else _painted("not ready", RED, colours)
    name = _painted(f"Edge {overview['version']}", BOLD, colours)
    yield f"{name}  {plain(overview['instance'])}  {ready}  up {age(now - overview['started'])}"
    for note in overview["notes"]:
        yield _painted(_cut(plain(note), width), YELLOW, colours)
    yield _cut(
        f"table {table['generation']}, changed {age(now - table['last_change'])} ago: "
        f"{table['routes']:,} routes of {table['hosts']:,} hosts",
        width,
    )
    errors = _share(requests["error_ratio"])
    bad = (requests["error_ratio"] or 0.0) >= MUCH
    yield (
        f"requests {_rate(requests['rate'])}/s  errors {_painted(errors, RED, colours and bad)}  "
        f"p50 {_time(requests['p50'])}  p95 {_time(requests['p95'])}  p99 {_time(requests['p99'])}  "
        f"connections {overview['connections']['active']:,}"
    )
    yield f"{sparkline(overview['samples']['rate'], min(width, 60))}  requests, the last minutes"
    problems, certificates = overview["problems"], overview["certificates"]
    ending = certificates["ending"] + certificates["expired"]
    line = f"errors {problems['errors']}  warnings {problems['warnings']}  certificates that end soon {ending}"
    yield _painted(line, RED if problems["errors"] else YELLOW, colours and bool(problems["errors"] or ending))
    yield ""


def workers(found: dict[str, Any], width: int, *, colours: bool) -> Iterator[str]:
    """A line for each worker, and one for the control plane."""
    rows = [
        (
            str(one["worker"]),
            str(one["pid"]) if one["alive"] else "-",
            _percent(one["cpu"]),
            _size(one["resident_bytes"]),
            f"{one['connections']['active']:,}",
            _rate(one["rate"]),
            str(one["restarts"]),
        )
        for one in found["workers"]
    ]
    own = found["control"]
    rows.append(("control", str(own["pid"]), _percent(own["cpu"]), _size(own["resident_bytes"]), "-", "-", "-"))
    yield from _table(("worker", "pid", "cpu", "memory", "connections", "requests/s", "restarts"), rows, width, colours)
    yield ""


def routes(found: dict[str, Any], width: int, *, colours: bool) -> Iterator[str]:
    """The routes in the order in which they were FOUND."""
    rows = [
        (
            _rate(one["rate"]),
            _share(one["error_ratio"]),
            _time(one["p99"]),
            plain(one["host"] + one["path"]) or "any other host",
            plain(f"{one['owner']['kind']} {one['owner']['namespace']}/{one['owner']['name']}")
            if one["owner"]["kind"]
            else "a flag",
        )
        for one in found["routes"]
    ]
    yield from _table(("requests/s", "errors", "p99", "route", "owner"), rows, width, colours)


def _table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]], width: int, colours: bool) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    for number, row in enumerate((names, *rows)):
        cells = [
            cell.ljust(size) if name in ("route", "owner", "worker") else cell.rjust(size)
            for name, cell, size in zip(names, row, widths, strict=True)
        ]
        line = _cut("  ".join(cells).rstrip(), width)
        yield line if number else _painted(line, DIM, colours)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The last WIDTH of VALUES as bars."""
    shown = [value or 0.0 for value in values[-width:]]
    most = max(shown, default=0.0)
    bars = "".join(BARS[round(value / most * (len(BARS) - 1))] if most else BARS[0] for value in shown)
    return bars.rjust(width)


def plain(text: str) -> str:
    """TEXT without what a terminal might take for a command."""
    return "".join(one if one.isprintable() else "?" for one in text)


def age(seconds: float) -> str:
    """SECONDS in the largest unit that fits."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.2f} %"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.1f} %"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _size(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


def _painted(text: str, code: str, colours: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colours else text

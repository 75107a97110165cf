"""Lines of text for `edge top`: the overview of an instance as a terminal shows it.

Rules of this file:
- A line is as wide as the terminal; what does not fit is cut off.
- Names come from users: control characters are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BARS: Final = " ▁▂▃▄▅▆▇█"
BOLD, DIM, RED, YELLOW, GREEN = "1", "2", "31", "33", "32"
MUCH: Final = 0.01
"""Share of errors from which on it is red."""


def head(overview: dict[str, Any], width: int, *, colours: bool) -> Iterator[str]:
    """The lines about the instance as a whole."""
    table, requests, now = overview["table"], overview["requests"], overview["now"]

    def line(*pieces: tuple[str, str]) -> str:
        return _line(pieces, width, colours)

    yield line(
        (f"Edge {overview['version']}", BOLD),
        (f"  {plain(overview['instance'])}  ", ""),
        ("ready", GREEN) if overview["ready"] else ("not ready", RED),
        (f"  up {age(now - overview['started'])}", ""),
    )
    for note in overview["notes"]:
        yield line((plain(note), YELLOW))
    changed = f"table {table['generation']}, changed {age(now - table['last_change'])} ago: "
    yield line((f"{changed}{table['routes']:,} routes of {table['hosts']:,} hosts", ""))
    bad = (requests["error_ratio"] or 0.0) >= MUCH
    yield line(
        (f"requests {_rate(requests['rate'])}/s  errors ", ""),
        (_share(requests["error_ratio"]), RED if bad else ""),
        (f"  p50 {_time(requests['p50'])}  p95 {_time(requests['p95'])}  p99 {_time(requests['p99'])}", ""),
        (f"  connections {overview['connections']['active']:,}", ""),
    )
    yield line((f"{sparkline(overview['samples']['rate'], min(width, 60))}  requests, the last minutes", ""))
    problems, certificates = overview["problems"], overview["certificates"]
    ending = certificates["ending"] + certificates["expired"]
    tone = RED if problems["errors"] else YELLOW if ending else ""
    counts = f"errors {problems['errors']}  warnings {problems['warnings']}  certificates that end soon {ending}"
    yield line((counts, tone))
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
            else "no Ingress",
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
        yield _line([("  ".join(cells).rstrip(), "" if number else DIM)], width, colours)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The last WIDTH of VALUES as bars."""
    shown = [value or 0.0 for value in values[-width:]]
    most = max(shown, default=0.0)
    bars = "".join(BARS[round(value / most * (len(BARS) - 1))] if most else BARS[0] for value in shown)
    return bars.rjust(width)


def plain(text: str) -> str:
    """TEXT without control characters."""
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


def _line(pieces: Iterable[tuple[str, str]], width: int, colours: bool) -> str:
    """PIECES, texts with their colours, as one line of at most WIDTH characters."""
    line, room = "", width
    for text, code in pieces:
        shown = text if len(text) <= room else text[: max(room - 1, 0)] + "…" * (room > 0)
        room -= len(text)
        line += f"\x1b[{code}m{shown}\x1b[0m" if code and colours and shown else shown
    return line

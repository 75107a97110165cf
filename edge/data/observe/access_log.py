"""The access log: one line a request, in a format of the user's choice, to standard output, a file or a syslog server.

Rules of this file:
- Lines are buffered and written when there are enough of them, or after a moment, without blocking: a slow reader of
  the log does not stop the event loop. Lines that it does not read in time are dropped and counted.
- The settings of the table (`edge.table.access_logging`) are in force at the next request. A format that cannot be
  read, which the control plane reports, counts as absent.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from edge.data.exchange._outcome import keep_details
from edge.data.observe import formats
from edge.data.observe._format import AccessLines
from edge.data.observe.outlets import Descriptor, File, Outlet
from edge.data.observe.syslog import Syslog
from edge.table.access_logging import AccessLogging
from edge.table.counters import WorkerWord
from edge.table.patterns.matching import PatternLimitError, compile_pattern
from edge.table.records import Backend, Owner
from edge.table.templates import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.observe._format import Format
    from edge.settings import Settings
    from edge.table.counters import WorkerCounters
    from edge.table.parameters import Parameters
    from edge.table.patterns.matching import Pattern

log = logging.getLogger("edge.data")

NORMAL: Final = AccessLogging()


class AccessLog:
    """The log of one worker."""

    def __init__(self, counters: WorkerCounters, *, as_json: bool = False, fd: int = 1) -> None:
        """AS_JSON: the format unless the table sets one. FD: standard output."""
        self._counters = counters
        self._as_json = as_json
        self._terms = NORMAL
        self._standard = Descriptor(fd)
        self._outlet: Outlet = self._standard
        self.lines = AccessLines(self._own_format())
        """The buffer to which an exchange adds its line; see `AccessLines.add`."""
        self.no_route = formats.named(Owner(), Backend())
        """In place of a route if there is none."""

    def tune(self, _: Settings, parameters: Parameters) -> None:
        """Use PARAMETERS from now on."""
        self.use(parameters.access_logging)

    def use(self, terms: AccessLogging) -> None:
        """Use TERMS from now on."""
        if terms == self._terms:
            return
        before, self._terms = self._terms, terms
        self.flush()
        self.lines.use(self._format(terms))
        self.lines.on, self.lines.unmatched, self.lines.streams = terms.on, terms.unmatched, terms.streams
        self.lines.skips = _skips(terms.skipped)
        if (terms.path, terms.syslog) != (before.path, before.syslog):
            self._outlet.close()
            self._outlet = self._outlet_of(terms)

    def flush(self) -> None:
        """Write what can be written now."""
        lines = self.lines
        self._outlet.write(lines)
        if lines.dropped:
            self._counters.add(WorkerWord.ACCESS_LOG_DROPPED, lines.dropped)
            lines.dropped = 0

    def reopen(self) -> None:
        """Open files again, because they have been moved away."""
        self.flush()
        self._outlet.reopen()

    def keep(self, exchange: Exchange, response: Message | None, fields: bytes, reply: Reply | None = None) -> None:
        """Keep what lines have of a response: the endpoint's RESPONSE with the further FIELDS, or REPLY with them."""
        if reply is not None:
            fields += reply.fields
        kept = []
        for of_endpoint, name in self.lines.kept or ():
            value = None if of_endpoint else _in_lines(fields, name)
            if value is None and response is not None:
                value = response.get(name)
            if value is None and reply is not None and not of_endpoint and name == b"content-type":
                value = reply.content_type
            kept.append(value)
        exchange.outcome.kept = tuple(kept)

    def _own_format(self) -> Format:
        return formats.as_json() if self._as_json else formats.upstream()

    def _format(self, terms: AccessLogging) -> Format:
        if terms.format:
            try:
                format_, timed = formats.compiled(terms.format, terms.escape)
            except TemplateError as error:
                log.error("log-format-upstream: %s; the default format holds", error)  # noqa: TRY400 - no traceback
            else:
                keep_details(timed)
                return format_
        keep_details(False)
        return self._own_format()

    def _outlet_of(self, terms: AccessLogging) -> Outlet:
        if terms.syslog:
            return Syslog(terms.syslog)
        return File(terms.path) if terms.path else self._standard


def _skips(skipped: tuple[str, ...]) -> Callable[[Exchange], bool] | None:
    """A function that returns whether the target of a request is one of SKIPPED; None: none is."""
    if not skipped:
        return None
    texts = frozenset(text.lower().encode() for text in skipped if not text.startswith("~"))
    patterns = tuple(_pattern(text) for text in skipped if text.startswith("~"))

    def skips(exchange: Exchange) -> bool:
        target = exchange.client.request.target
        if target.lower() in texts:
            return True
        try:
            return any(pattern.match(target) is not None for pattern in patterns)
        except PatternLimitError:
            return False  # if it is not known, the line is written

    return skips


def _pattern(text: str) -> Pattern:
    """The pattern in TEXT, behind its `~` or `~*`."""
    ignore_case = text.startswith("~*")
    return compile_pattern(text[2:] if ignore_case else text[1:], ignore_case=ignore_case, anchored=False)


def _in_lines(fields: bytes, name: bytes) -> bytes | None:
    """The value of the last field NAME (lower case) among the lines FIELDS."""
    value = None
    for line in fields.split(b"\r\n"):
        given, colon, text = line.partition(b":")
        if colon and given.lower() == name:
            value = text.strip()
    return value

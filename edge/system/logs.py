"""Log lines of every process of Edge: one format, one stream (standard error), text or JSON.

Lines of the access log are not written here: workers write them to standard output. If a reader does not keep up,
messages are dropped and the service continues: logging waits for it once, for a moment. A message may carry values for
machines: `log.warning("...", extra={"fields": {"namespace": "shop"}})`; the text form leaves them out, so the message
must have everything that a user needs.
"""

from __future__ import annotations

import json
import logging
import select
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.settings import Settings

PATIENCE = 0.25
"""Seconds for which a message waits for the reader; after that, messages do not wait until one has been read."""

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\t",
}


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z warning control[7] message`; an exception's traceback on the lines after it."""

    def __init__(self, process: str) -> None:
        super().__init__(f"%(time)s %(severity)s {process}[%(process)d] %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """RECORD's line; text from elsewhere (a manifest, a server) cannot add a line."""
        record.time = _time(record)
        record.severity = record.levelname.lower()
        record.message = record.message.translate(_ESCAPES)
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, process, pid, logger, message, error; then the fields of the message."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """RECORD as one line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        line.update(getattr(record, "fields", {}))
        return json.dumps(line, default=str, ensure_ascii=False)


class Handler(logging.StreamHandler[Any]):
    """Writes to standard error, drops messages that are not read, and reports how many were dropped."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write RECORD, or drop it."""
        if not self._is_writable(0.0 if self._dropped else PATIENCE):
            self._dropped += 1
            return
        if self._dropped:
            message, self._dropped = f"{self._dropped} messages were dropped: the reader of the log was too slow", 0
            super().emit(logging.LogRecord(__name__, logging.WARNING, __file__, 0, message, (), None))
        super().emit(record)

    def _is_writable(self, patience: float) -> bool:
        try:
            poll = select.poll()
            poll.register(self.stream.fileno(), select.POLLOUT)
            return bool(poll.poll(patience * 1000))
        except (OSError, ValueError):  # no descriptor, or a closed one: the write reports it
            return True


def configure(settings: Settings, *, process: str) -> None:
    """Have everything that this process logs go to standard error; PROCESS names it, as in `control`."""
    handler = Handler()
    handler.setFormatter(JsonFormatter(process) if settings.log_format == "json" else TextFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())


def tune(settings: Settings, _: object) -> None:
    """Use the log level of SETTINGS from now on."""
    logging.getLogger().setLevel(settings.log_level.upper())


def _time(record: logging.LogRecord) -> str:
    """When RECORD was made, by RFC 3339 in milliseconds."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

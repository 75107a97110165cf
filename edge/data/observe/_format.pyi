from collections.abc import Callable, Sequence

from edge.data.exchange.exchange import Exchange
from edge.data.observe._lines import Lines

OPS: dict[str, int]
FIELD: int
RUN: int
KEPT: int
CALL: int
NOTHING: int

class LogName:
    def __init__(self, route: object, *, unowned: bool) -> None: ...
    @property
    def route(self) -> object: ...
    @property
    def unowned(self) -> bool: ...

class Format:
    def __init__(
        self,
        parts: Sequence[tuple[bytes, int, object]],
        *,
        escape: int,
        runs: tuple[Callable[[LogName], bytes], ...] | None = None,
        kept: tuple[tuple[bool, bytes], ...] | None = None,
    ) -> None: ...
    @property
    def runs(self) -> tuple[Callable[[LogName], bytes], ...]: ...
    @property
    def kept(self) -> tuple[tuple[bool, bytes], ...] | None: ...

class JsonFormat(Format): ...

class AccessLines(Lines):
    skips: Callable[[Exchange], bool] | None
    on: bool
    unmatched: bool
    streams: bool
    @property
    def format(self) -> Format: ...
    @property
    def kept(self) -> tuple[tuple[bool, bytes], ...] | None: ...
    def __init__(self, made: Format) -> None: ...
    def use(self, made: Format) -> None: ...
    def add(self, exchange: Exchange, name: LogName) -> bool: ...
    def append(self, line: bytes) -> bool: ...

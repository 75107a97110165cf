"""What a client asks and an endpoint answers in an exchange that a test plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

Fields = tuple[tuple[str, str], ...]


class Cut(Enum):
    """Where an endpoint ends the connection."""

    BEFORE = "before the response"
    HEAD = "within the head"
    CONTENT = "within the content"


@dataclass(frozen=True)
class Request:
    """What the client sends.

    - `sized`: its length is announced, else it is sent in chunks.
    - `stops`: bytes of content after which it sends no more; None: it sends all. It then closes the connection, or
      keeps it open where `silent`.
    - `leaves`: it resets the connection when all has been sent.
    - `then`: bytes that it sends when the protocol has been switched.
    """

    method: str = "GET"
    target: str = "/"
    host: str | None = "app.example"
    fields: Fields = ()
    content: bytes = b""
    trailers: Fields = ()
    sized: bool = True
    version: str = "1.1"
    stops: int | None = None
    silent: bool = False
    leaves: bool = False
    then: bytes = b""

    @property
    def has_content(self) -> bool:
        return bool(self.content) or not self.sized

    @property
    def sent(self) -> bytes:
        """The content that the client does send."""
        return self.content[: self.stops]

    def lines(self) -> list[str]:
        """Request line and fields, but for what frames the content."""
        host = [f"Host: {self.host}"] if self.host is not None else []
        return [f"{self.method} {self.target} HTTP/{self.version}", *host, *_lines(self.fields)]


@dataclass(frozen=True)
class Answer:
    """What an endpoint does with a request.

    - `sized`: it announces the length, else it sends chunks. `interim`: statuses of responses before the final one.
    - `cut`: it ends the connection there, by a reset where `reset`. `silent`: it never answers, or stops at `cut`.
    - `early`: it answers without reading the content. `after`: it waits for so many seconds first.
    - `raw`: it sends this in place of a response.
    """

    status: int = 200
    content: bytes = b"hello"
    fields: Fields = ()
    trailers: Fields = ()
    sized: bool = True
    interim: tuple[int, ...] = ()
    cut: Cut | None = None
    reset: bool = False
    silent: bool = False
    early: bool = False
    after: float = 0.0
    raw: bytes = b""

    def lines(self) -> list[str]:
        """Status line and fields, but for what frames the content."""
        return [f"HTTP/1.1 {self.status} Status", *_lines(self.fields)]


HANGS_UP = Answer(cut=Cut.BEFORE)
RESETS = Answer(cut=Cut.BEFORE, reset=True)
SILENT = Answer(silent=True)
NO_HTTP = Answer(raw=b"SMTP ready\r\n\r\n")


@dataclass
class Asked:
    """What an endpoint got.

    - `whole`: the content came to its end. `connection`: number of the endpoint's connection that it came by.
    - `timeouts`: connect (0: the connection was there), send and read, in seconds.
    """

    method: str
    target: str
    fields: list[tuple[str, str]]
    connection: int = 1
    content: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = False

    def values(self, name: str) -> list[str]:
        """The values of the fields NAME."""
        return values(self.fields, name)

    @property
    def host(self) -> str:
        (host,) = self.values("host")
        return host


class Endpoint:
    """Answers requests with SCRIPT, one after another; the last one as often as it is asked."""

    def __init__(self, *script: Answer, connect: int = 0) -> None:
        """CONNECT: the status with which connections to it fail (502: refused, 504: timeout, 503: for want of
        descriptors); 0: they do not."""
        self._script = list(script or (Answer(),))
        self.connect = connect
        self.asked: list[Asked] = []
        self.attempts = 0
        """To connect."""
        self.connections = 0

    def next(self) -> Answer:
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]


def values(fields: list[tuple[str, str]], name: str) -> list[str]:
    """The values of those FIELDS that have this NAME (lower case)."""
    return [value for known, value in fields if known == name]


def _lines(fields: Fields) -> list[str]:
    return [f"{name}: {value}" for name, value in fields]


def text(lines: list[str]) -> bytes:
    """LINES as a head or as a trailer section."""
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def section(fields: Fields) -> bytes:
    """FIELDS as a trailer section; empty: there are none."""
    return text(_lines(fields)) if fields else b""


def read(head: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The first line of HEAD and its fields, names in lower case."""
    first, *rest = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    return first, fields_of(rest)


def fields_of(lines: list[str]) -> list[tuple[str, str]]:
    """The fields in LINES, names in lower case."""
    pairs = [line.partition(":") for line in lines if line]
    return [(name.lower(), value.strip()) for name, _, value in pairs]

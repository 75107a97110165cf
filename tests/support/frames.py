"""Frames of HTTP/2 made by hand, as no library would make them, and those that come back."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from hpack import Decoder, Encoder

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

GET = ((":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "app.example"))
POST = ((":method", "POST"), *GET[1:])


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of RST_STREAM and GOAWAY."""
        return int.from_bytes(self.payload[-4:] if self.kind == RST_STREAM else self.payload[4:8], "big")


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def settings(**values: int) -> bytes:
    """SETTINGS by names such as `s4`, the setting 4."""
    payload = b"".join(int(name[1:]).to_bytes(2, "big") + number(value) for name, value in values.items())
    return frame(SETTINGS, payload=payload)


def block(fields: object) -> bytes:
    """FIELDS without a table, so that blocks are independent of each other."""
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder.encode(fields, huffman=False)  # type: ignore[arg-type]


def headers(
    stream: int, fields: object = GET, *, end: bool = True, flags: int = END_HEADERS, before: bytes = b""
) -> bytes:
    return frame(HEADERS, flags | (END_STREAM if end else 0), stream, before + block(fields))


def data(stream: int, content: bytes = b"", *, end: bool = False, flags: int = 0) -> bytes:
    return frame(DATA, flags | (END_STREAM if end else 0), stream, content)


def frames(text: bytes) -> list[Frame]:
    """The frames in TEXT, which holds whole ones."""
    found = []
    while text:
        length = int.from_bytes(text[:3], "big")
        found.append(Frame(text[3], text[4], int.from_bytes(text[5:9], "big"), text[9 : 9 + length]))
        assert len(found[-1].payload) == length
        text = text[9 + length :]
    return found


def fields_of(frame: Frame) -> list[tuple[str, str]]:
    """The fields in a HEADERS frame, which stand there without a table."""
    fields = Decoder().decode(frame.payload, raw=True)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


class Wire:
    """A connection on which frames are sent and read one by one; SOCKET is a blocking one."""

    def __init__(self, socket: Any, *, first: bytes = PREFACE + settings()) -> None:
        self.socket = socket
        self._read = b""
        self._decoder = Decoder()
        self.send(first)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *sent: bytes) -> None:
        self.socket.sendall(b"".join(sent))

    def next(self) -> Frame | None:
        """The next frame; None: the connection has ended."""
        while len(self._read) < 9 or len(self._read) < 9 + int.from_bytes(self._read[:3], "big"):
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self._read += more
        end = 9 + int.from_bytes(self._read[:3], "big")
        (found,) = frames(self._read[:end])
        self._read = self._read[end:]
        return found

    def until(self, kind: int, stream: int | None = None) -> Frame:
        """The next frame of KIND, of STREAM where it is given."""
        while True:
            found = self.next()
            assert found is not None, "the connection has ended"
            if found.kind == kind and stream in (None, found.stream):
                return found

    def end(self) -> list[Frame]:
        """All frames until the connection ends."""
        found = []
        while (one := self.next()) is not None:
            found.append(one)
        return found

    def response(self, stream: int, *, credit: bool = True) -> tuple[int, bytes]:
        """Status and content of the answer on STREAM; CREDIT: windows are given back."""
        status, content = 0, b""
        while True:
            found = self.next()
            assert found is not None, "the connection has ended"
            if found.stream != stream:
                continue
            assert found.kind != RST_STREAM, f"reset: {found.code}"
            if found.kind == HEADERS:
                status = int(dict(fields_of(found)).get(":status", status))
            elif found.kind == DATA:
                content += found.payload
                if credit and found.payload:
                    amount = number(len(found.payload))
                    self.send(frame(WINDOW_UPDATE, 0, stream, amount), frame(WINDOW_UPDATE, payload=amount))
            if found.flags & END_STREAM:
                return status, content

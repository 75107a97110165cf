from edge.data.http._fields import FieldLines, Limits
from edge.data.net._buffer import Buffer
from edge.data.net._stream import Stream

METHODS: dict[bytes, bytes]

class Head(FieldLines):
    method: bytes
    target: bytes
    host: bytes
    reason: bytes
    version: int
    status: int
    length: int
    chunked: bool
    keep_alive: bool
    expect_continue: bool
    upgrade: bool
    size: int
    @property
    def first_line(self) -> bytes: ...
    @property
    def id(self) -> bytes: ...
    def read_request(self, source: Buffer, limits: Limits) -> bool: ...
    def read_response(self, source: Buffer, limits: Limits, wait: bool = True) -> None: ...
    def read_trailers(self, section: bytes, limits: Limits, fault: int = 400) -> None: ...
    def pass_on(self, *, claims: bool, cdn: bool) -> None: ...
    def identify(self) -> bytes: ...
    def missing(self) -> int: ...
    def write_request(
        self,
        out: Stream,
        target: bytes,
        host: bytes,
        forwarded_host: bytes,
        added: bytes,
        request_id: bytes,
    ) -> None: ...
    def write_response(
        self,
        out: Stream,
        added: bytes,
        length: int,
        chunked: bool | int,
        keep_alive: bool,
        old_client: bool = False,
        hsts: bool = False,
    ) -> None: ...
    def write_trailers(self, out: Stream) -> None: ...

def is_host(host: bytes) -> bool: ...

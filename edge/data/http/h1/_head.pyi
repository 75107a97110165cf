from typing import final

from edge.data.http._fields import Limits
from edge.data.http._message import Message
from edge.data.net._buffer import Buffer

@final
class Head(Message):
    keep_alive: bool
    expect_continue: bool
    @property
    def first_line(self) -> bytes: ...
    def read_request(self, source: Buffer, limits: Limits) -> bool: ...
    def read_response(self, source: Buffer, limits: Limits, wait: bool = True) -> None: ...
    def read_trailers(self, section: bytes, limits: Limits, fault: int = 400) -> None: ...

from typing import final

from edge.data.http._fields import FieldLines
from edge.data.http._message import Message, Outgoing
from edge.data.net._stream import Stream

@final
class HeadWriter:
    def __init__(self, stream: Stream) -> None: ...
    def request(self, request: Outgoing) -> None: ...
    def response(
        self,
        response: Message,
        added: bytes,
        length: int,
        chunked: bool | int,
        keep_alive: bool,
        old_client: bool = False,
        defaults: bytes = b"",
    ) -> None: ...
    def trailers(self, trailers: FieldLines) -> None: ...

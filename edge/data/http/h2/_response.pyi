from edge.data.http._message import Message

REASONS: dict[int, bytes]

class ResponseHead(Message):
    @property
    def fault(self) -> str | None: ...
    def switch(self, accept: bytes) -> None: ...

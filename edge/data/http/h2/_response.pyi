from edge.data.http._message import Message

class ResponseHead(Message):
    @property
    def fault(self) -> str | None: ...

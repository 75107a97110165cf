from typing import final

from edge.data.http._content import Content
from edge.data.net._buffer import Buffer

@final
class Body(Content):
    @property
    def whole(self) -> bool: ...
    def __init__(self, buffer: Buffer, request: bool = True) -> None: ...
    def start(self, length: int, chunked: bool, until_end: bool) -> None: ...

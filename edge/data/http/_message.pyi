from typing import final

from edge.data.http._fields import FieldLines
from edge.data.http.scope import Scope

METHODS: dict[bytes, bytes]
IDEMPOTENT: frozenset[bytes]
NO_CONTENT: int
UNKNOWN_LENGTH: int

class Message(FieldLines):
    method: bytes
    target: bytes
    host: bytes
    reason: bytes
    version: int
    status: int
    length: int
    chunked: bool
    upgrade: bool
    secure: bool
    scope: Scope | None
    size: int
    @property
    def content_length(self) -> int: ...
    @property
    def accel(self) -> bool: ...
    @property
    def id(self) -> bytes: ...
    def identify(self) -> bytes: ...
    def pass_on(self, *, claims: bool, cdn: bool) -> None: ...
    def passed(self) -> bytes: ...
    def missing(self) -> int: ...

@final
class Outgoing:
    message: Message
    method: bytes
    target: bytes
    host: bytes
    forwarded_host: bytes
    added: bytes
    appended: bytes
    request_id: bytes
    length: int
    old: bool
    parameters: list[tuple[bytes, bytes]]
    def __init__(self, message: Message) -> None: ...
    def streamed(self) -> bool: ...

def is_idempotent(method: bytes) -> bool: ...
def is_host(host: bytes) -> bool: ...

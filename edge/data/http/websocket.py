"""The opening handshake of WebSockets (RFC 6455, section 4), if one side uses HTTP/2 instead (RFC 8441)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.data.http._message import Message

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def key_of(request: Message) -> bytes:
    """The key of REQUEST, which is upgraded; empty: not to a WebSocket."""
    if (request.get(b"upgrade") or b"").lower() != b"websocket":
        return b""
    return request.get(b"sec-websocket-key") or b""


def accept_of(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept for KEY."""
    return b64encode(sha1(key + GUID, usedforsecurity=False).digest())

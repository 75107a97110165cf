"""The cookies of a request (RFC 6265, section 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.data.http._message import Message


def cookies(request: Message) -> Iterator[tuple[bytes, bytes]]:
    """Names and values of the cookies of REQUEST, in their order. Several fields are as one."""
    text = request.get(b"cookie")
    if text is None:
        return
    # `get` joins fields by a comma, which may also be part of a value.
    lines = [text] if b"," not in text else [value for name, value in request.items() if name.lower() == b"cookie"]
    for line in lines:
        for pair in line.split(b";"):
            name, equals, value = pair.partition(b"=")
            if equals:
                yield name.strip(), value.strip()

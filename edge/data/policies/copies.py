"""Copies of requests on their way to other servers, beside the requests themselves.

Rules of this file:
- A copy never delays, changes or fails its request. It is sent by a greenlet of its own, once.
- What is under way is bounded: a copy in excess is left out, and so is that of a request whose content is large, or
  not there as a whole.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from gevent import spawn

from edge.data.exchange.subrequest import UnansweredError
from edge.data.net.errors import ExchangeError
from edge.data.net.spool import Spool, SpoolError
from edge.data.upstream.terms import Terms
from edge.table.policies import Retry, Timeouts

if TYPE_CHECKING:
    from edge.data.exchange.subrequest import Ask
    from edge.data.http._message import Outgoing

log = logging.getLogger("edge.data")

TERMS: Final = Terms(Timeouts(""), Retry("", tries=1))
"""nginx's defaults. A copy that fails is not sent again."""
MOST_CONTENT: Final = 65536
"""Bytes of an answer that are read, for nothing but to use the connection again."""
LARGEST: Final = 1 << 20
"""Bytes of content that are copied."""
MOST: Final = 64
"""Copies under way to one server because of one route, in one worker."""


class Copies:
    """Those for the server that `ask` asks."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._under_way = 0

    def takes(self, content: bytes | Spool | None) -> bool:
        """Whether a copy with CONTENT can be sent now."""
        too_large = content is None or (isinstance(content, Spool) and content.size > LARGEST)
        return self._under_way < MOST and not too_large

    def send(self, copy: Outgoing, content: bytes | Spool) -> None:
        """Have COPY sent with CONTENT."""
        self._under_way += 1
        spawn(self._send, copy, content)

    def _send(self, copy: Outgoing, content: bytes | Spool) -> None:
        try:
            self._ask(copy, content if isinstance(content, bytes) else _read(content), None)
        except (UnansweredError, ExchangeError, SpoolError) as error:
            log.debug("a copy came to nothing: %s", error)
        except Exception:
            log.exception("a copy came to nothing")
        finally:
            self._under_way -= 1


def size_of(content: bytes | Spool) -> int:
    """Bytes of CONTENT."""
    return len(content) if isinstance(content, bytes) else content.size


def _read(spool: Spool) -> bytes:
    """All of SPOOL.

    Raises:
        SpoolError: it cannot be read.
    """
    pieces: list[bytes | memoryview] = []
    size = 0
    while piece := spool.read(size):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)

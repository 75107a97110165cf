"""What can go wrong on demand.

A fault is armed with `FakeAPI.fail(...)`, matches requests by verb and resource, and is used up after `times` of them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

Action = Literal["drop", "stall", "status", "page", "end", "error-event", "torn", "slow", "garbage"]
"""drop: reset the connection; stall: answer nothing until the server stops; status: answer an HTTP error;
page: answer a page of HTML, as a proxy does; for a watch:
end: close the stream cleanly at once; error-event: send an ERROR event and close; torn: break off amid the next event;
garbage: send a line that is not JSON; slow: wait `seconds`, then answer normally."""


@dataclass
class Fault:
    """One armed fault."""

    action: Action
    verb: str = ""
    """list, watch, get, create, update, patch, delete; empty: any."""
    resource: str = ""
    """Plural; empty: any."""
    name: str = ""
    """Of the object; empty: any."""
    times: int = 1
    code: int = 500
    reason: str = "InternalError"
    message: str = "on demand"
    retry_after: float | str | None = None
    """As text it goes into the header as it is."""
    seconds: float = 0.0
    only_continue: bool = False
    """Only list requests for a further page."""


class Faults:
    """The armed faults, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []

    def arm(self, fault: Fault) -> Fault:
        with self._lock:
            self._armed.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def take(self, verb: str, resource: str, name: str, *, continued: bool) -> Fault | None:
        """The fault that hits this request, used once."""
        with self._lock:
            for fault in self._armed:
                if (
                    fault.verb in ("", verb)
                    and fault.resource in ("", resource)
                    and fault.name in ("", name)
                    and (continued or not fault.only_continue)
                    and fault.times > 0
                ):
                    fault.times -= 1
                    return fault
        return None

    def armed(self) -> int:
        """Requests that are still going to be hit."""
        with self._lock:
            return sum(fault.times for fault in self._armed)

from collections.abc import Sequence

from edge.data.http.h1._head import Head

class Lines:
    dropped: int
    def __init__(self, *, as_json: bool) -> None: ...
    def __len__(self) -> int: ...
    def add(
        self,
        request: Head,
        address: str,
        status: int,
        body_sent: int,
        received: int,
        duration: float,
        name: bytes,
        endpoint: str,
        upstream_received: int,
        upstream_time: float,
        upstream_status: int,
        request_id: bytes,
        earlier: Sequence[tuple[str, float, int]] | None,
        line: bytes | None,
    ) -> bool: ...
    def write(self, fd: int) -> bool: ...

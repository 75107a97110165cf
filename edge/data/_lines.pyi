from edge.data._head import Head

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
        upstream_time: float,
        upstream_status: int,
        request_id: bytes,
    ) -> bool: ...
    def write(self, fd: int) -> bool: ...

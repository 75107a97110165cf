from edge.data.net._accept import Counted
from edge.data.net._relay import Relay
from edge.data.observe._stream_log import StreamLog
from edge.data.streams.plan import StreamPlan
from edge.data.streams.proxy_header import Ends
from edge.data.upstream.pool import Pool
from edge.table.counters import WorkerCounters

class Sessions:
    def __init__(self, pool: Pool, counters: WorkerCounters, connections: Counted, log: StreamLog | None) -> None: ...
    def accept(self, listener: int, plan: StreamPlan, most: int) -> int: ...
    def adopt(
        self, client: int, plan: StreamPlan, address: str, protocol: int, ends: Ends | None, ahead: bytes
    ) -> None: ...
    def end_all(self) -> int: ...

class Session(Relay): ...

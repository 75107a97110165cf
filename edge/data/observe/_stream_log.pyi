from edge.data.observe.access_log import AccessLog
from edge.settings import Settings
from edge.table.records import Owner

class StreamLog:
    def __init__(self, access_log: AccessLog, text: str, *, as_json: bool) -> None: ...
    def tune(self, settings: Settings, parameters: object) -> None: ...
    def add(
        self,
        protocol: str,
        address: str,
        status: int,
        seconds: float,
        connecting: float,
        received: int,
        sent: int,
        endpoint: str,
        upstream: str,
        owner: Owner,
    ) -> None: ...

from edge.table._counters import Totals

def counters(name: bytes, totals: Totals, rows: list[int], labels: list[bytes]) -> bytes: ...
def histograms(
    name: bytes,
    totals: Totals,
    rows: list[int],
    labels: list[bytes],
    first: int,
    bounds: list[bytes],
    nanoseconds: bool,
) -> bytes: ...

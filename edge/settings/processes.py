"""Workers, their files, and how they end."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import ALL, PROXY, setting


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Workers, their files, and how they end."""

    workers: str = setting(
        "auto",
        "Number of worker processes; auto follows the cgroup's CPU limit, else the processors available.",
        placeholder="auto|N",
        commands=PROXY,
    )
    worker_timeout: int = setting(
        30, "Replace a worker that has sent no heartbeat for this time.", placeholder="SECONDS", commands=ALL
    )
    shm_dir: str = setting(
        "",
        "Directory of the table's files (default for run: a fresh private one in /dev/shm).",
        placeholder="DIR",
        commands=(*ALL, "routes"),
    )
    temp_dir: str = setting(
        "",
        "Directory for temporary files with bodies (default: $TMPDIR, else /tmp).",
        placeholder="DIR",
        commands=PROXY,
    )
    max_temp_size: int = setting(
        4 << 30,
        "Bytes that the temporary files of a worker hold; requests that need more are answered 503. 0: no limit.",
        placeholder="BYTES",
        commands=PROXY,
        least=0,
    )
    shutdown_grace: float = setting(
        30.0, "Time that requests in flight get to finish after SIGTERM.", placeholder="SECONDS", commands=PROXY
    )
    websocket_shutdown_grace: float = setting(
        0.0,
        "Time that WebSockets and other upgraded connections go on after SIGTERM (0: as --shutdown-grace).",
        placeholder="SECONDS",
        commands=PROXY,
    )
    pre_stop_delay: float = setting(
        0.0,
        "After SIGTERM go on accepting for this long while /readyz already answers 503.",
        placeholder="SECONDS",
        commands=ALL,
    )

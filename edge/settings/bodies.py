"""Bodies of requests and responses, and what they may use."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import TRANSLATION, setting


@dataclass(frozen=True, kw_only=True)
class Bodies:
    """Bodies of requests and responses, and what they may use."""

    proxy_body_size: str = setting(
        "1m",
        "Largest request body of an Ingress's routes (413 above it); 0: no limit.",
        placeholder="SIZE",
        commands=TRANSLATION,
    )
    proxy_request_buffering: str = setting(
        "on",
        "Read request bodies before an endpoint is asked, so that they can be sent again (off: pass them on as they"
        " come).",
        choices=("on", "off"),
        commands=TRANSLATION,
    )
    client_body_buffer_size: str = setting(
        "32k",
        "Bytes in memory of a request body that Edge reads first; the rest goes to a temporary file.",
        placeholder="SIZE",
        commands=TRANSLATION,
    )
    proxy_buffering: str = setting(
        "off",
        "Read responses ahead of clients that are slower than the endpoint, so that it finishes sooner.",
        choices=("on", "off"),
        commands=TRANSLATION,
    )
    proxy_buffers_number: int = setting(
        4,
        "Buffers of --proxy-buffer-size that a response read ahead may fill in memory; less than 64k count as 64k.",
        placeholder="N",
        commands=TRANSLATION,
        least=1,
    )
    proxy_buffer_size: str = setting(
        "",
        "Largest response head of an endpoint of an Ingress (502 above it), and size of a buffer (default:"
        " --max-response-header-size, and 4k).",
        placeholder="SIZE",
        commands=TRANSLATION,
    )
    proxy_max_temp_file_size: str = setting(
        "1024m",
        "Bytes of a response read ahead that may wait in a temporary file; 0: none.",
        placeholder="SIZE",
        commands=TRANSLATION,
    )

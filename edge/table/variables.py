"""Variables that texts of users may have where a request is at hand (nginx docs, "Embedded Variables").

Rules of this file:
- The control plane reads texts by this list, and workers have a value for each name in it
  (`edge.data.policies.variables`).
"""

from __future__ import annotations

from typing import Final

REQUEST: Final = frozenset(
    {
        "arg_",
        "args",
        "best_http_host",
        "cookie_",
        "escaped_request_uri",
        "host",
        "http_",
        "http_host",
        "is_args",
        "pass_access_scheme",
        "proxy_add_x_forwarded_for",
        "query_string",
        "remote_addr",
        "remote_user",
        "req_id",
        "request_id",
        "request_method",
        "request_uri",
        "scheme",
        "server_port",
        "uri",
    }
)
"""What a request says about itself. `http_`, `cookie_` and `arg_` are the families of its header fields, its cookies
and the parameters of its query (as they stand there, not decoded)."""

FASTCGI: Final = REQUEST | {
    "content_length",
    "content_type",
    "document_root",
    "document_uri",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "https",
    "nginx_version",
    "remote_port",
    "remote_user",
    "request_method",
    "server_addr",
    "server_name",
    "server_protocol",
}
"""What parameters of FastCGI may say beside (nginx docs, ngx_http_fastcgi_module)."""

STREAM: Final = frozenset(
    {
        "bytes_received",
        "bytes_sent",
        "msec",
        "protocol",
        "proxy_upstream_name",
        "remote_addr",
        "session_time",
        "status",
        "time_iso8601",
        "time_local",
        "upstream_addr",
        "upstream_connect_time",
    }
)
"""What a session of a stream says about itself, in its line of the log (`edge.data.observe.stream_log`)."""

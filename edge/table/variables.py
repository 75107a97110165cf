"""Variables in texts of users (nginx docs, "Embedded Variables").

Rules of this file:
- The control plane checks texts against these lists, and workers have a value for each name in them
  (`edge.data.exchange.variables`, `edge.data.observe.variables`).
"""

from __future__ import annotations

from typing import Final

REQUEST: Final = frozenset(
    {
        "arg_",
        "args",
        "best_http_host",
        "content_length",
        "content_type",
        "cookie_",
        "document_uri",
        "escaped_request_uri",
        "host",
        "hostname",
        "http_",
        "http_host",
        "https",
        "is_args",
        "msec",
        "pass_access_scheme",
        "proxy_add_x_forwarded_for",
        "query_string",
        "remote_addr",
        "remote_port",
        "remote_user",
        "req_id",
        "request_id",
        "request_method",
        "request_uri",
        "scheme",
        "server_addr",
        "server_port",
        "server_protocol",
        "ssl_cipher",
        "ssl_client_escaped_cert",
        "ssl_client_i_dn",
        "ssl_client_s_dn",
        "ssl_client_verify",
        "ssl_protocol",
        "ssl_server_name",
        "ssl_session_reused",
        "time_iso8601",
        "uri",
    }
)
"""Variables of a request. `http_`, `cookie_` and `arg_` are the families of its header fields, its cookies
and the parameters of its query (as they stand there, not decoded)."""

FASTCGI: Final = REQUEST | {
    "document_root",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "nginx_version",
    "server_name",
}
"""Further variables for parameters of FastCGI (nginx docs, ngx_http_fastcgi_module)."""

ROUTE: Final = frozenset(
    {
        "ingress_name",
        "location_path",
        "namespace",
        "proxy_alternative_upstream_name",
        "proxy_host",
        "proxy_upstream_name",
        "server_name",
        "service_name",
        "service_port",
    }
)
"""Variables of a route, the same for all of its requests (ingress-nginx docs, "Log format")."""

SPAN: Final = REQUEST | {"ingress_name", "location_path", "namespace", "server_name", "service_name"}
"""Variables for names of spans (`edge.data.observe.spans`)."""

ABSENT: Final = frozenset(
    {
        "connection_time",
        "geoip2_",
        "geoip_",
        "limit_conn_status",
        "limit_req_status",
        "modsecurity_",
        "proxy_protocol_port",
        "request_body",
        "request_body_file",
        "request_completion",
        "secure_link",
        "sent_trailer_",
        "ssl_early_data",
        "upstream_bytes_received",
        "upstream_bytes_sent",
        "upstream_cache_status",
        "upstream_cookie_",
        "upstream_queue_time",
        "upstream_trailer_",
    }
)
"""Variables of nginx that are always absent in Edge: they have the value that nginx logs for absent ones."""

LOG: Final = (
    REQUEST
    | ROUTE
    | ABSENT
    | {
        "body_bytes_sent",
        "bytes_sent",
        "connection",
        "connection_requests",
        "grpc_status",
        "gzip_ratio",
        "literal_dollar",
        "nginx_version",
        "pid",
        "pipe",
        "proxy_protocol_addr",
        "realip_remote_addr",
        "realip_remote_port",
        "request",
        "request_length",
        "request_time",
        "sent_http_",
        "status",
        "tcpinfo_rcv_space",
        "tcpinfo_rtt",
        "tcpinfo_rttvar",
        "tcpinfo_snd_cwnd",
        "the_real_ip",
        "time_local",
        "upstream_addr",
        "upstream_connect_time",
        "upstream_header_time",
        "upstream_http_",
        "upstream_response_length",
        "upstream_response_time",
        "upstream_status",
    }
)
"""Variables for lines of the access log (nginx docs, "log_format")."""

STREAM: Final = frozenset(
    {
        "bytes_received",
        "bytes_sent",
        "ingress_name",
        "msec",
        "namespace",
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
"""Variables of a session of a stream, for its line of the log (`edge.data.observe._stream_log`)."""

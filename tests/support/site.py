"""Manifests in, answers out: the whole control plane and a worker's routing, without processes, sockets or threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from edge.control.compiling.compiler import Compiler
from edge.control.sources.files.ledger import Ledger
from edge.control.sources.files.manifest import Manifest, read
from edge.control.sources.files.tree import key_of
from edge.data.accepting.server_names import ServerNames
from edge.data.http._message import Message
from edge.data.http.h1._head import Head
from edge.data.http.scope import Scope
from edge.data.routing.planner import Planner
from edge.data.routing.router import Router
from edge.settings import Settings
from edge.table.counters import WorkerCounters
from edge.table.reader import TableReader
from edge.table.records import DEFAULT_CERTIFICATE, Certificate, Route, ServicePort
from edge.table.writer import TableWriter
from tests.support import objects
from tests.support.policies import redirected
from tests.support.wire import read_request, whole

GENERATED = Certificate("", "", b"", b"", common_name="generated")


class Site:
    """An Edge in small. Each `write` is an edit of a manifest file, and takes effect at once."""

    def __init__(self, directory: Path, *, names: Any = None, **settings: Any) -> None:
        self._settings = Settings(**{"manifests": ("manifests",), **settings})
        self.compiler = Compiler(self._settings, names=names, generated=GENERATED)
        self._writer = TableWriter(directory)
        self._ledger = Ledger(self.compiler.apply)
        self._files: dict[str, Manifest] = {}
        self.reader = TableReader(directory)
        self._router = Router(self.reader, Planner(self.reader, WorkerCounters(directory), logged=False))
        self._names = ServerNames(self.reader)
        self._problems: dict[str, tuple[str, ...]] = {}
        self.services: dict[str, Any] = {}
        """Those that Gateways are to have, by Gateway."""
        self.statuses: dict[str, Any] = {}
        """Of objects of the Gateway API."""
        self.publish()

    def close(self) -> None:
        """Give the directory up."""
        self._writer.close()

    # --- what people do -------------------------------------------------------------------------------------------

    def write(self, path: str, text: str) -> None:
        """The file at PATH has this TEXT from now on."""
        self._files[path] = manifest = read(path, text, self._files.get(path))
        self._ledger.update({key_of(0, path): manifest})
        self.publish()

    def put(self, path: str, *manifests: dict[str, Any]) -> None:
        """The file at PATH holds MANIFESTS from now on."""
        self.write(path, yaml.safe_dump_all(manifests))

    def remove(self, path: str) -> None:
        """The file at PATH is deleted."""
        del self._files[path]
        self._ledger.update({key_of(0, path): None})
        self.publish()

    def publish(self, **when: float) -> None:
        """Compile and publish; WHEN: see `Compiler.compile`."""
        delta = self.compiler.compile(**when)
        self._writer.publish(routes=delta.routes, endpoints=delta.endpoints, tls=delta.tls)
        self.services.update({str(owner): one for owner, one in delta.services.items()})
        self.statuses.update({str(owner): one and one.status for owner, one in delta.statuses.items()})
        for owner, (_, problems) in delta.problems.items():
            self._problems[str(owner)] = tuple(f"{one.severity} {one.reason} {one.field}" for one in problems)

    # --- what comes of it -----------------------------------------------------------------------------------------

    def ask(self, url: str) -> str:
        """Who answers URL (without scheme: plain http): name of the Service, or the status that Edge answers itself."""
        scheme, _, rest = url.rpartition("://")
        host, slash, path = rest.partition("/")
        plan = self._router.match(request(host, slash + path or "/"))
        if plan is None:
            return "404"
        route = plan.route
        if redirected(route) and scheme != "https":
            return str(redirected(route))
        (to,) = route.backends
        if not to.key:
            return str(to.status)
        return to.service if self.endpoints(to.key) else "503"

    def takes(self, url: str, **rest: Any) -> str:
        """The Services of the route that URL takes, with their weights where there are several; or the status.

        REST: as `request` takes it.
        """
        scheme, _, rest_of_url = url.rpartition("://")
        host, slash, path = rest_of_url.partition("/")
        plan = self._router.match(request(host, slash + path or "/", secure=scheme == "https", **rest))
        if plan is None:
            return "404"
        backends = plan.route.backends
        named = [(one.service if one.key else str(one.status), one.weight) for one in backends]
        if len(named) == 1:
            return named[0][0]
        return " ".join(f"{name}={weight}" for name, weight in named) or "policy"

    def route(self, url: str) -> Route:
        """The route that URL takes."""
        host, slash, path = url.partition("/")
        plan = self._router.match(request(host, slash + path or "/"))
        assert plan is not None
        return plan.route

    def owner(self, url: str) -> str:
        """The Ingress whose route URL takes."""
        return self.route(url).owner.name

    def endpoints(self, key: str) -> list[str]:
        """Addresses and ports of the Service port under KEY (`demo/web:80`)."""
        self.reader.refresh()
        service = self.reader.endpoints.get(key, ServicePort)
        return [f"{one.address}:{one.port}" for one in service.endpoints] if service is not None else []

    def certificate(self, server_name: str) -> str:
        """Name of the Secret whose certificate is shown for SERVER_NAME; `default`: the one that Edge made."""
        return self.shown(server_name).name or "default"

    def shown(self, server_name: str) -> Certificate:
        """The certificate that is shown for SERVER_NAME."""
        self.reader.refresh()
        key = self._names.certificate(server_name)
        shown = self.reader.tls.get(key, Certificate) or self.reader.tls.get(DEFAULT_CERTIFICATE, Certificate)
        assert shown is not None
        return shown

    def problems(self, owner: str = "Ingress demo/web") -> tuple[str, ...]:
        """Severity, reason and field of all problems of an object."""
        return self._problems.get(owner, ())


def request(
    host: str, target: str, *, method: str = "GET", secure: bool = False, scope: Scope | None = None, **fields: str
) -> Message:
    """A request for TARGET of HOST; the names of FIELDS have `_` for `-`."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    message = Head()
    text = f"{method} {target} HTTP/1.1\r\nHost: any.example\r\n{lines}\r\n"
    read_request(whole(text.encode()), head=message)
    message.host, message.secure, message.scope = host.encode(), secure, scope
    return message


def ingress(name: str, rules: str, **metadata: Any) -> dict[str, Any]:
    """An Ingress. RULES: lines `HOST TYPE PATH SERVICE[:PORT]`; HOST may be `any`, TYPE `default` (then no PATH).

    METADATA may hold `tls` (see the API), `ingress_class`, annotations by their short name in `annotate`.
    """
    tls = metadata.pop("tls", None)
    annotations = {f"nginx.ingress.kubernetes.io/{key}": value for key, value in metadata.pop("annotate", {}).items()}
    annotations |= metadata.pop("annotations", {})
    made = objects.ingress(name, ingress_class=metadata.pop("ingress_class", "edge"), **metadata)
    if annotations:
        made["metadata"]["annotations"] = annotations
    spec = made["spec"]
    spec["rules"] = []
    for line in filter(None, map(str.strip, rules.splitlines())):
        host, kind, *rest = line.split()
        if kind == "default":
            spec["defaultBackend"] = backend(rest[0])
            continue
        path, service = rest if len(rest) == 2 else ("", rest[0])
        entry = {"pathType": kind, "backend": backend(service), **({"path": path} if path else {})}
        spec["rules"].append({**({} if host == "any" else {"host": host}), "http": {"paths": [entry]}})
    if not spec["rules"]:
        del spec["rules"]
    if tls is not None:
        spec["tls"] = tls
    return made


def backend(text: str) -> dict[str, Any]:
    """`NAME`, `NAME:PORT` or `resource`."""
    if text == "resource":
        return {"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "files"}}
    name, _, port = text.partition(":")
    return {
        "service": {"name": name, "port": {"number": int(port or 80)} if (port or "0").isdigit() else {"name": port}}
    }


def serving(*names: str) -> list[dict[str, Any]]:
    """Services of these NAMES, each with an endpoint."""
    return [one for name in names for one in (objects.service(name), objects.endpoints(name, "10.0.0.1"))]

"""One HTTP connection of the API: from request bytes to the store and back."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from tests.support.fakeapi import admission, discovery, listing, selectors, validation, watching
from tests.support.fakeapi.errors import StatusError
from tests.support.fakeapi.resources import Target, resolve
from tests.support.fakeapi.store import Stored

if TYPE_CHECKING:
    from tests.support.fakeapi.faults import Fault
    from tests.support.fakeapi.server import FakeAPI

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
MERGE = ("application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml")
UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include: "


class Handler(BaseHTTPRequestHandler):
    """Requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    api: FakeAPI
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Tests read `FakeAPI.requests` instead."""

    def setup(self) -> None:
        super().setup()
        self.api.connections.add(self.connection)

    def finish(self) -> None:
        self.api.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # clients, tests and faults break connections off
            super().handle()

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # names given by http.server

    def _serve(self) -> None:
        url = urlsplit(self.path)
        self.warnings: list[str] = []
        self.query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        self.data = self.rfile.read(length) if length else b""
        try:
            target = resolve(unquote(url.path))
            if target is None:
                self._discover(url.path)
                return
            verb = self._verb(target)
            record = self.api.record(verb, target, self.query, self.command, url.path)
            self._authorise(verb, target, record)
            resource = target.resource.plural
            fault = self.api.faults.take(verb, resource, target.name, continued="continue" in self.query)
            if fault is not None and self._suffer(fault):
                return
            self._dispatch(verb, target, fault)
        except StatusError as error:
            self._refuse(error)
        except selectors.SelectorError as error:
            self._refuse(StatusError(400, "BadRequest", str(error)))

    def _verb(self, target: Target) -> str:
        if self.command != "GET":
            return VERBS[self.command]
        if target.name:
            return "get"
        return "watch" if self.query.get("watch") in ("1", "true") else "list"

    def _authorise(self, verb: str, target: Target, record: Any) -> None:
        token = (self.headers.get("Authorization") or "").partition(" ")[2].strip()
        certified = isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert()
        known = self.api.tokens is None or token in self.api.tokens | self.api.admins
        if not known and not certified:
            record.code = 401
            raise StatusError(401, "Unauthorized", "Unauthorized")
        rules = None if token in self.api.admins else self.api.rules
        name = target.name or selectors_name(self.query.get("fieldSelector", ""))
        if rules is not None and not rules.allow(verb, target, name):
            record.code = 403
            group = target.resource.group
            where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
            full = f"{target.resource.plural}.{group}" if group else target.resource.plural
            plural = target.resource.plural + ("/" + target.subresource if target.subresource else "")
            what = f'User "test" cannot {verb} resource "{plural}" in API group "{group}" {where}'
            raise StatusError(403, "Forbidden", f"{full} is forbidden: {what}")

    def _suffer(self, fault: Fault) -> bool:
        """Do what FAULT says; whether the request is over with it."""
        match fault.action:
            case "drop":
                self._reset()
            case "stall":
                self.api.stopping.wait()
                self.close_connection = True
            case "status":
                raise StatusError(fault.code, fault.reason, fault.message, retry_after=fault.retry_after)
            case "page":
                self._send(200, b"<html><h1>Please log in</h1></html>", content_type="text/html")
            case "slow":
                time.sleep(fault.seconds)
                return False
            case _:
                return False
        return True

    def _reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _dispatch(self, verb: str, target: Target, fault: Fault | None) -> None:
        store, resource = self.api.store, target.resource
        at = (resource, target.namespace, target.name)
        match verb:
            case "list":
                metadata = self._metadata_only("PartialObjectMetadataList")
                self._send(200, listing.page(self.api, target, self.query, metadata_only=metadata))
            case "watch":
                self._watch(target, fault)
            case "get":
                self._send(200, self._encode(store.find(*at)))
            case "create":
                self._expect_json()
                obj = self._body()
                validation.belongs(resource, obj)
                self._admit("CREATE", target, obj, None)
                self._send(201, store.create(resource, target.namespace, obj, strict=True).full)
            case "update":
                self._expect_json()
                obj = self._body()
                validation.belongs(resource, obj)
                self._admit("UPDATE", target, obj, store.find(*at).full)
                self._send(200, store.update(*at, obj, subresource=target.subresource).full)
            case "patch":
                if self._content_type() not in MERGE:
                    raise StatusError(415, "UnsupportedMediaType", UNKNOWN_FORMAT + ", ".join(MERGE))
                self._send(200, store.patch(*at, self._body(), subresource=target.subresource).full)
            case _:
                self._send(200, store.delete(*at).full)

    def _admit(self, operation: str, target: Target, new: dict[str, Any], old: bytes | None) -> None:
        hook = self.api.hook
        if hook is not None and target.resource.kind == admission.KIND and not target.subresource:
            before = msgspec.json.decode(old) if old is not None else None
            self.warnings = hook.admit(operation, target, new, before)

    def _watch(self, target: Target, fault: Fault | None) -> None:
        api, query = self.api, self.query
        collection = api.store.collections[target.resource]
        version = query.get("resourceVersion") or str(api.store.version)
        bookmarks = api.bookmark_interval if query.get("allowWatchBookmarks") in ("1", "true") else None
        watch = watching.Watch(
            api.store, collection, version=int(version), selects=listing.selector(target, query),
            encode=self._encode, timeout=min(float(query.get("timeoutSeconds") or 1800), api.watch_limit),
            bookmarks=bookmarks,
        )  # fmt: skip
        if int(version) < collection.forgotten:
            raise watching.expired()
        if int(version) > api.store.version:
            message = f"Timeout: Too large resource version: {version}, current: {api.store.version}"
            raise StatusError(504, "Timeout", message, retry_after=1)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        api.watches.add(watch)
        try:
            self._stream(watch, fault)
        finally:
            api.watches.discard(watch)

    def _stream(self, watch: watching.Watch, fault: Fault | None) -> None:
        try:
            self._events(watch, fault.action if fault is not None else "")
        except StatusError as error:  # the history moved on under the watch
            self._chunk(watching.error(error))
        except watching.InterruptionError as interruption:
            match interruption.how:
                case "stall":
                    self.api.stopping.wait()
                    self.close_connection = True
                    return
                case "drop" | "torn":
                    self._reset()
                    return
                case "error-event":
                    self._chunk(watching.error(watching.expired()))
        self.wfile.write(b"0\r\n\r\n")

    def _events(self, watch: watching.Watch, action: str) -> None:
        if action in ("end", "error-event"):
            raise watching.InterruptionError(action)
        if action == "garbage":
            self._chunk(b'{"type": "MODIFIED", "object": oh no}\n')
        for data in watch:
            if action == "torn":
                self._chunk(data[: len(data) // 2])
                raise watching.InterruptionError("drop")
            self._chunk(data)

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    # --- bodies ---------------------------------------------------------------------------------------------------

    def _metadata_only(self, kind: str = "PartialObjectMetadata") -> bool:
        """Whether the client wants a KIND; a list is wanted by another name than an object, or is refused."""
        accept = (self.headers.get("Accept") or "").replace(" ", "")
        found = re.findall(r"as=(\w+);g=meta\.k8s\.io;v=v1", accept)
        if "as=" in accept and found != [kind]:
            raise StatusError(406, "NotAcceptable", "only the following media types are accepted: application/json")
        return bool(found)

    def _encode(self, stored: Stored) -> bytes:
        return listing.partial(stored) if self._metadata_only() else stored.full

    def _content_type(self) -> str:
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip()

    def _expect_json(self) -> None:
        if self._content_type() not in ("application/json", ""):
            raise StatusError(415, "UnsupportedMediaType", f"{UNKNOWN_FORMAT}application/json")

    def _body(self) -> dict[str, Any]:
        try:
            body = msgspec.json.decode(self.data)
        except msgspec.DecodeError as error:
            raise StatusError(400, "BadRequest", str(error)) from error
        if not isinstance(body, dict):
            raise StatusError(400, "BadRequest", "an object is expected")
        return body

    def _discover(self, path: str) -> None:
        if path in ("/healthz", "/readyz", "/livez"):
            self._send(200, b"ok")
            return
        answer = discovery.answer(path)
        if answer is None:
            raise StatusError(404, "NotFound", "the server could not find the requested resource")
        self._send(200, msgspec.json.encode(answer))

    def _refuse(self, error: StatusError) -> None:
        self._send(error.code, msgspec.json.encode(error.body()), retry_after=error.retry_after)

    def _send(
        self, code: int, body: bytes, *, retry_after: float | str | None = None, content_type: str = "application/json"
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for warning in self.warnings:
            self.send_header("Warning", f'299 - "{warning.replace(chr(34), chr(92) + chr(34))}"')
        if retry_after is not None:
            self.send_header("Retry-After", retry_after if isinstance(retry_after, str) else f"{retry_after:g}")
        self.end_headers()
        self.wfile.write(body)


def selectors_name(field_selector: str) -> str:
    """The object's name that RBAC sees in a collection request: that of a metadata.name field selector."""
    for term in field_selector.split(","):
        key, _, value = term.partition("=")
        if key == "metadata.name":
            return value.lstrip("=")
    return ""

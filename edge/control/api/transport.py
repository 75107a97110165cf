"""Requests to the API server over the official client's connection pool, as bytes in and bytes out.

Rules of this file:
- Nothing is retried and nothing is decoded but refusals; every failure is a `KubernetesError`.
- The client's own hook reads the credentials for each request; after a 401 the whole configuration is read
  again, at most once a second, because the hook looks at the token file only once a minute and by the wall clock.
  Files with certificates are read for each new connection.
"""

from __future__ import annotations

import email.utils
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException

from edge import __version__
from edge.control.api import wire
from edge.control.api.errors import ConfigurationError, RefusedError, UnreachableError
from edge.control.api.trust import as_go_does

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
"""Longest silence of the API server within an ordinary answer, seconds."""
LONGEST_REST = 300.0
"""Longest Retry-After that is obeyed, seconds: some proxies send hours, or a date by a clock that is wrong."""
SILENCE = 5.0
"""Seconds without a proper answer after which one is a sign that the API server is back."""
_RELOAD_INTERVAL = 1.0
_CHUNK = 1 << 16

JSON = "application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
METADATA_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
"""Accept headers for metadata alone (https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches)."""
MERGE_PATCH = "application/merge-patch+json"

_FAILURES = (urllib3.exceptions.HTTPError, ApiException, ConfigException, OSError, ValueError)
# ValueError: read of a response that `Stream.stop` has closed, and header values that http.client does not take.


class Stream:
    """The body of an answer that has no end, such as a watch; a context manager that closes it."""

    def __init__(self, response: urllib3.HTTPResponse) -> None:
        self._response = response

    def read(self) -> bytes:
        """Some bytes as soon as there are any; empty at the end.

        Raises:
            UnreachableError: the connection broke, or nothing came within the read timeout.
        """
        try:
            return self._response.read1(_CHUNK)
        except _FAILURES as error:
            raise UnreachableError(describe(error)) from error

    def stop(self) -> None:
        """End a `read` that waits in another thread."""
        try:
            self._response.shutdown()
        except (OSError, ValueError, RuntimeError):
            return  # over already

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.close()


class Transport:
    """Requests to one API server; threads may share it."""

    def __init__(self, load: Callable[[], Configuration]) -> None:
        """LOAD reads the configuration.

        Raises:
            ConfigurationError: from LOAD.
        """
        self.listeners: list[Callable[[], None]] = []
        """Called when the API server is back after a silence; must not wait."""
        self._heard_at = time.monotonic()
        self._load = load
        self._lock = threading.Lock()
        self._client = self._connect()
        self._loaded = time.monotonic()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        read_timeout: float = READ_TIMEOUT,
    ) -> bytes:
        """The body of the answer.

        Raises:
            RefusedError: the API server answers with an error.
            UnreachableError: there is no answer.
        """
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        response = self._send(method, path, query=query, headers=headers, body=body, read_timeout=read_timeout)
        try:
            data: bytes = response.read()
        except _FAILURES as error:
            raise UnreachableError(describe(error)) from error
        finally:
            response.release_conn()
        return data

    def stream(self, path: str, *, query: Mapping[str, str], accept: str = JSON, read_timeout: float) -> Stream:
        """An answer that has no end, such as a watch; READ_TIMEOUT is its longest silence in seconds.

        Raises:
            RefusedError, UnreachableError: as `request`.
        """
        return Stream(self._send("GET", path, query=query, headers={"Accept": accept}, read_timeout=read_timeout))

    @property
    def configuration(self) -> Configuration:
        """The configuration in use."""
        found: Configuration = self._client.configuration
        return found

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()  # type: ignore[no-untyped-call]  # the client is untyped

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        headers: dict[str, str],
        body: Any = None,
        read_timeout: float,
    ) -> urllib3.HTTPResponse:
        client = self._client
        url = f"{path}?{urlencode(query)}" if query else path
        timeouts = (CONNECT_TIMEOUT, read_timeout)
        try:
            _, url, headers, _, _ = client.param_serialize(
                method, url, header_params=headers, auth_settings=["BearerToken"]
            )
            headers = {name: value.strip() for name, value in headers.items()}  # token files may end in a newline
            answer = client.call_api(method, url, headers, body, _request_timeout=timeouts)
            response: urllib3.HTTPResponse = answer.response
            self._heard(response.status)
            if response.status >= 300:
                raise self._refusal(response, client)
        except _FAILURES as error:
            raise UnreachableError(describe(error)) from error
        return response

    def _heard(self, status: int) -> None:
        """Wake everything that waits for the API server, once any request has got an answer."""
        if status >= 500 or status in (401, 429):
            return
        now = time.monotonic()
        silence, self._heard_at = now - self._heard_at, now
        if silence > SILENCE:
            for listener in self.listeners:
                listener()

    def _refusal(self, response: urllib3.HTTPResponse, client: ApiClient) -> RefusedError:
        if response.status == 401:
            self._reload(client)
        data = response.read()
        response.release_conn()
        try:
            status = wire.decode_status(data)
        except msgspec.DecodeError:
            status = wire.Status(reason=response.reason or "", message=data[:200].decode(errors="replace"))
        seconds = _seconds(response.headers.get("Retry-After", ""))
        if seconds is None and status.details is not None and status.details.retry_after_seconds:
            seconds = float(status.details.retry_after_seconds)
        if seconds is not None:
            seconds = max(0.0, min(seconds, LONGEST_REST))
        return RefusedError(response.status, status.reason, status.message, retry_after=seconds)

    def _connect(self) -> ApiClient:
        configuration = self._load()
        try:
            client = ApiClient(configuration)
        except (ImportError, *_FAILURES) as error:  # a kind of proxy that is not supported
            proxy = str(configuration.proxy).rpartition("@")[2]  # without a password
            raise ConfigurationError(f"proxy {proxy}: {describe(error)}; give an http proxy") from error
        as_go_does(client.rest_client.pool_manager)
        client.user_agent = f"edge-ingress/{__version__}"
        return client

    def _reload(self, refused: ApiClient) -> None:
        """Take new credentials, unless another thread just did."""
        with self._lock:
            if self._client is not refused or time.monotonic() - self._loaded < _RELOAD_INTERVAL:
                return
            self._loaded = time.monotonic()
            try:
                self._client = self._connect()
            except ConfigurationError:
                return  # the token file is being replaced; the next 401 comes here again


def _seconds(retry_after: str) -> float | None:
    """Seconds from now on, given as a number or a date (RFC 9110, 10.2.3); None: absent or malformed."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return date.timestamp() - time.time()


def describe(error: Exception) -> str:
    """ERROR in one line for people."""
    if isinstance(error, ApiException):
        return str(error.reason).replace("\n", " ")
    inner = error.args[-1] if error.args else None
    text = str(inner if isinstance(inner, Exception | str) and str(inner) else error)
    return text.replace("\n", " ") or type(error).__name__

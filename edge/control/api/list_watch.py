"""The two requests for a collection, a page of its list and its watch, and what their answers mean.

Rules of this file:
- This module keeps no state: the reflector knows which objects there are, and what to do after an error.
- Only the metadata of an object is read here; the rest is for the sink.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from edge.control.api import wire
from edge.control.api.errors import ExpiredError, MalformedError, RefusedError
from edge.control.api.transport import JSON, METADATA_LIST, METADATA_WATCH, READ_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.api.transport import Stream, Transport
    from edge.control.kinds.resources import Collection

PAGE = 500
"""Objects per page, as client-go asks for."""


@dataclass(frozen=True)
class Timing:
    """Limits of a watch, in seconds."""

    shortest: float = 240.0
    longest: float = 290.0
    """The API server is asked to end a watch after a random time between these."""
    silence: float = 90.0
    """A watch without a byte for this long is given up; the API server sends bookmarks about once a minute."""


def page(transport: Transport, collection: Collection, query: Mapping[str, str]) -> wire.Page:
    """The page of the list of COLLECTION that QUERY names.

    Raises:
        ExpiredError: the list grew too old since the page before.
        KubernetesError: whatever else went wrong.
    """
    accept = METADATA_LIST if collection.metadata_only else JSON
    try:
        data = transport.request("GET", collection.path, query=query, accept=accept, read_timeout=READ_TIMEOUT)
    except RefusedError as error:
        if error.code == 410:
            raise ExpiredError from error
        raise
    try:
        found = wire.decode_page(data)
    except msgspec.DecodeError as error:
        raise MalformedError(f"list: {error}") from error
    if not found.metadata.resource_version:
        raise MalformedError("list: no resourceVersion")
    return found


def watch(transport: Transport, collection: Collection, version: str, timing: Timing) -> Stream:
    """The events of COLLECTION since VERSION, a line each.

    Raises:
        ExpiredError: the API server has forgotten VERSION.
        KubernetesError: whatever else went wrong.
    """
    seconds = random.uniform(timing.shortest, timing.longest)  # noqa: S311  # spreads load, hides nothing
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": str(max(1, int(seconds))),
        **collection.query,
    }
    accept = METADATA_WATCH if collection.metadata_only else JSON
    try:
        return transport.stream(collection.path, query=query, accept=accept, read_timeout=timing.silence)
    except RefusedError as error:
        if error.code == 410:
            raise ExpiredError from error
        raise


def event(line: bytes) -> wire.Event:
    """The event in LINE of a watch.

    Raises:
        ExpiredError: it says that the API server has forgotten our version.
        MalformedError: it cannot be decoded, or is another error.
    """
    try:
        found = wire.decode_event(line)
    except msgspec.DecodeError as error:
        raise MalformedError(f"watch: {error}") from error
    if found.type == "ERROR":
        _raise(found.object)
    return found


def metadata(raw: msgspec.Raw) -> wire.Metadata:
    """The metadata of the object in RAW.

    Raises:
        MalformedError: there is none, or it has no resourceVersion.
    """
    try:
        found = wire.decode_partial(raw).metadata
    except msgspec.DecodeError as error:
        raise MalformedError(f"metadata of an object: {error}") from error
    if not found.resource_version:
        raise MalformedError("an object without metadata.resourceVersion")
    return found


def is_older(version: str, reached: str) -> bool:
    """Whether VERSION is one that was passed long ago: numbers can be compared, nothing else is known of others.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    return version.isdecimal() and reached.isdecimal() and int(version) < int(reached)


def _raise(raw: msgspec.Raw) -> None:
    """Raise the error in RAW, a Status."""
    try:
        status = wire.decode_status(raw)
    except msgspec.DecodeError as error:
        raise MalformedError(f"watch: {error}") from error
    if status.code == 410 or status.reason in ("Expired", "Gone"):
        raise ExpiredError
    raise MalformedError(f"watch: {status.code} {status.reason}: {status.message}")

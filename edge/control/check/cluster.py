"""Reads a cluster once: the objects that the control plane would watch, and the Secrets and ConfigMaps that they name.

Rules of this file:
- A kind that may be missing, or that we may not list, is left out with a warning. Without Ingresses there is no report.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.api import configuration
from edge.control.api.errors import RefusedError
from edge.control.api.transport import Transport
from edge.control.compiling.delta import Delta
from edge.control.kinds import resources
from edge.control.kinds.changes import Delete, Invalid, Upsert
from edge.control.kinds.decoding import decode
from edge.control.kinds.objects import ObjectError
from edge.control.sources.cluster.source import WATCHED

if TYPE_CHECKING:
    from edge.control.compiling.compiler import Compiler
    from edge.control.kinds.changes import Change
    from edge.control.kinds.objects import Key, ObjectId
    from edge.control.kinds.resources import Kind
    from edge.settings import Settings

_PAGE: Final = 500
_BY_NEED: Final = {kind.name: kind for kind in (resources.SECRET, resources.CONFIG_MAP)}


class _Metadata(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""


class _Item(msgspec.Struct, frozen=True, gc=False):
    metadata: _Metadata


class _Cursor(msgspec.Struct, frozen=True, gc=False):
    next: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct, frozen=True, gc=False):
    items: tuple[msgspec.Raw, ...] = ()
    metadata: _Cursor = _Cursor()


def once(settings: Settings, compiler: Compiler) -> Delta:
    """Pass the objects of the cluster of SETTINGS to COMPILER; returns its result.

    Raises:
        ConfigurationError: there is no cluster.
        KubernetesError: the objects cannot be read.
    """
    transport = Transport(lambda: configuration.load(settings))
    try:
        for kind in WATCHED:
            _list(transport, kind, settings, compiler)
        return _follow(transport, compiler)
    finally:
        transport.close()


def _list(transport: Transport, kind: Kind, settings: Settings, compiler: Compiler) -> None:
    collection = kind.collection(settings.watch_namespace if kind.namespaced else "")
    query = {**collection.query, "limit": str(_PAGE)}
    while True:
        try:
            page = msgspec.json.decode(transport.request("GET", collection.path, query=query), type=_Page)
        except RefusedError as error:
            if kind is resources.INGRESS:
                raise
            if not (kind.custom and error.code == 404):
                sys.stderr.write(f"edge check: warning: going on without {kind.resource}: {error}\n")
            return
        for raw in page.items:
            compiler.apply(_change(kind, raw))
        if not page.metadata.next:
            return
        query["continue"] = page.metadata.next


def _follow(transport: Transport, compiler: Compiler) -> Delta:
    """Read the objects that are named, and those that these name; returns the result of all rounds."""
    asked: set[ObjectId] = set()
    delta = Delta()
    while True:
        found = compiler.compile()
        for part in ("routes", "endpoints", "tls", "problems"):
            getattr(delta, part).update(getattr(found, part))
        wanted = compiler.wanted - asked
        if not wanted:
            return delta
        asked |= wanted
        for name in sorted(wanted):
            kind, key = _BY_NEED[name.kind], (name.namespace, name.name)
            try:
                compiler.apply(_change(kind, msgspec.Raw(transport.request("GET", kind.path_of(key)))))
            except RefusedError as error:
                missing: Change = Delete(kind.name, *key)
                compiler.apply(missing if error.code == 404 else Invalid(str(name), kind.name, *key, str(error)))


def _change(kind: Kind, raw: msgspec.Raw) -> Change:
    try:
        return Upsert(decode(raw, kind.name))
    except ObjectError as error:
        key: Key = ("", "")
        try:
            metadata = msgspec.json.decode(raw, type=_Item).metadata
            key = (metadata.namespace, metadata.name)
        except msgspec.DecodeError:
            pass
        return Invalid(kind.path_of(key), kind.name, *key, str(error))

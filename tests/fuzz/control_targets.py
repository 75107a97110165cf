"""Untrusted input of the control plane as targets: certificates with their keys, and whole objects."""

from __future__ import annotations

import json
import random
import time
import zlib
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from edge.control.answers.event_objects import Subject, event_object
from edge.control.answers.events import age
from edge.control.containment import REASON
from edge.control.kinds import resources
from edge.control.kinds.admission import Refused, admit
from edge.control.kinds.changes import Delete, Upsert
from edge.control.kinds.decoding import decode
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.registry import KINDS
from edge.control.publishing.state import State
from edge.control.serving.metrics.expiry import Issuers
from edge.control.sources.cluster.source import WATCHED
from edge.control.translate import der, leaf, pem
from edge.control.translate import key_pairs as certificates
from edge.control.translate.key_pairs import CertificateError
from edge.data.accepting.context import make_context
from edge.settings import Settings
from edge.table import describing
from edge.table.codec import encode
from tests.support import objects as made
from tests.support.certificates import Pair
from tests.support.mutation import spoilt_objects
from tests.support.world import World

if TYPE_CHECKING:
    from edge.control.kinds.objects import Object

LISTED = {one.name for one in (*WATCHED, resources.SECRET, resources.CONFIG_MAP)}
"""The kinds that are read from a cluster, where an API server has validated them."""
GOOD = "good.example"
"""A host beside the spoilt objects, which has to be served whatever they are."""


def der_of(pair: Pair) -> bytes:
    """The leaf of PAIR and its key, one behind the other, in DER."""
    key = load_pem_private_key(pair.key, None)
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return next(pem.blocks(pair.certificate)).data + encoded


def certificate(data: bytes) -> None:
    """A certificate in DER, and a key behind it."""
    leaf.read(data)
    try:
        end = der.read(data).end
    except der.DerError:
        end = len(data)
    text(pem.Block("CERTIFICATE", data[:end]).text() + pem.Block("PRIVATE KEY", data[end:]).text())


def text(data: bytes) -> None:
    """PEM that holds chain and key: a worker can load what is accepted, and all that is said of it can be written."""
    try:
        material = certificates.parse(data, data, namespace="demo", name="tls")
    except CertificateError:
        return
    record = material.certificate
    make_context(record, None)
    encode(record)
    assert all(name.isascii() and name == name.lower() for name in material.names)
    certificates.validity_fault(material, time.time())
    for said in (record.common_name, record.issuer, record.serial, *Issuers().of([record])[0]):
        assert not said or said.isprintable()
    describing.date(record.not_after)


def objects(data: bytes) -> None:
    """Objects: DATA is a list of them in JSON, or else chooses how a good list is spoilt."""
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list):
        given = spoilt_objects(random.Random(zlib.crc32(data)))
    raw = [one for one in given if isinstance(one, dict) and one.get("kind") in KINDS]
    compiled([one for one in map(_decoded, raw) if one is not None and one.kind in LISTED])
    compiled([one for one in map(_admitted, raw) if one is not None])


def compiled(taken: list[Object]) -> None:
    """TAKEN beside good objects: those are served, and all that is made of it can be published and reported."""
    settings = Settings(default_ssl_certificate="demo/tls", default_backend_service="demo/web")
    world = World(settings)
    world.apply(
        made.ingress("good", namespace="good", host=GOOD),
        made.service(namespace="good"),
        made.endpoints("web", "10.0.0.9", namespace="good"),
    )
    state = State()
    for change in [*map(Upsert, taken), *(Delete(one.kind, one.id.namespace, one.id.name) for one in taken[::-1])]:
        ours = change.object.id if isinstance(change, Upsert) else (change.kind, change.namespace, change.name)
        world.compiler.apply(change)
        delta = world.compiler.compile()
        for record in (*delta.routes.values(), *delta.endpoints.values(), *delta.tls.values()):
            if record is not None:
                encode(record)
        what = state.commit(delta, world.compiler.store.counts())
        for report in what.appeared:
            assert report.problem.reason != REASON, f"{ours}: {report}"
            json.dumps(event_object(Subject(report.object, report.uid), report.problem, "fuzz")).encode()
        for served in delta.served.values():
            if served is not None:
                age(served)
        state.certificates()
        world.compiler.next_due()
    assert world.host(GOOD).routes
    assert world.service("web", namespace="good").endpoints


def _decoded(value: dict[str, Any]) -> Object | None:
    """VALUE as a cluster's answer is read."""
    try:
        return decode(json.dumps(value), value["kind"])
    except ObjectError:
        return None


def _admitted(value: dict[str, Any]) -> Object | None:
    """VALUE as a manifest is read."""
    try:
        return admit(value, value["kind"])
    except Refused:
        return None


def seeds() -> dict[str, list[bytes]]:
    """What the targets begin with, generated: no key lies in the repository."""
    from tests.support.certificates import authority, issue  # noqa: PLC0415 - made only where it is asked for

    pairs = [issue("a.test", "*.b.test", "192.0.2.1"), issue(common_name="c.test", rsa_key=True)]
    return {
        "certificate": [der_of(pair) for pair in pairs],
        "text": [pair.certificate + authority().certificate + pair.key for pair in pairs],
    }

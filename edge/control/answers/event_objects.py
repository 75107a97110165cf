"""The Event that reports a problem, in the form that the API server accepts.

Its name is derived from the object and the problem, so the same problem always has the same Event.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from edge.control.api.lease import microtime
from edge.control.kinds.problems import Problem, Severity
from edge.control.kinds.registry import KINDS

if TYPE_CHECKING:
    from edge.control.kinds.objects import ObjectId

CONTROLLER = "edge.ingress/controller"
"""`reportingController`."""
LONGEST_NOTE = 1024
"""Bytes."""
LONGEST_NAME = 253
LONGEST_INSTANCE = 128
"""Characters of `reportingInstance`."""

SERVED = Problem(Severity.WARNING, "Sync", "", "in the routing table: requests are taken from now on")
"""In place of a problem, for the Event that an Ingress is served. The reason is the one of ingress-nginx."""


class Subject(msgspec.Struct, frozen=True, order=True, gc=False):
    """The subject of Events: one life (uid) of an object."""

    object: ObjectId
    uid: str

    @property
    def namespace(self) -> str:
        """The namespace of its Events."""
        return self.object.namespace or "default"  # for those of cluster-scoped objects


def event_object(subject: Subject, problem: Problem, instance: str) -> dict[str, Any]:
    """The Event that reports PROBLEM of SUBJECT; INSTANCE names the reporting process."""
    name = subject.object
    regarding = {"apiVersion": KINDS[name.kind].api_version, "kind": name.kind, "name": name.name}
    if name.namespace:
        regarding["namespace"] = name.namespace
    if subject.uid:
        regarding["uid"] = subject.uid
    served = problem is SERVED
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": event_name(subject, problem), "namespace": subject.namespace},
        "eventTime": microtime(),
        "type": "Normal" if served else "Warning",
        "reason": problem.reason,
        "action": "Serve" if served else "Translate",
        "note": shortened(str(problem)),
        "regarding": regarding,
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:LONGEST_INSTANCE],
    }


def event_name(subject: Subject, problem: Problem) -> str:
    """The name of that Event."""
    text = "\0".join((subject.object.kind, subject.uid, problem.reason, problem.field, problem.message))
    end = "." + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return subject.object.name[: LONGEST_NAME - len(end)].rstrip(".-") + end


def shortened(note: str) -> str:
    """NOTE cut to what the API server takes."""
    data = note.encode()
    if len(data) <= LONGEST_NOTE:
        return note
    return data[: LONGEST_NOTE - 3].decode(errors="ignore") + "..."

"""An AdmissionReview and its answer, as JSON; the compiler decides.

Rules of this file:
- Everything else is allowed: another class, a namespace that is not watched, an Ingress that is being deleted, an
  operation without an object.
- An update that changes neither the spec nor the annotations is allowed whatever they are, so that a finalizer can be
  removed from an Ingress that would be refused today.
- Refused with 400 and all reasons at once; everything else that is wrong is a warning, which kubectl prints.
- A fault of our own code refuses nothing: the Ingress is reported once it is in the cluster.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from edge.control.compiling.trial import is_refused
from edge.control.containment import contain
from edge.control.kinds.decoding import decode
from edge.control.kinds.ingress import Ingress
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.problems import Problem, warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Judge = Callable[[Ingress], list[Problem] | None]
    """Returns the problems that an Ingress would have; None: it is not ours."""

VERSION: Final = "admission.k8s.io/v1"
_KIND: Final = ("networking.k8s.io", "v1", "Ingress")
_OPERATIONS: Final = ("CREATE", "UPDATE")
_LONGEST_WARNING: Final = 256
_MOST_WARNINGS: Final = 4096
"""Characters of one warning, and of all of them, that the API server passes on."""
REFUSED: Final = 400


class MalformedReviewError(ValueError):
    """The body is no AdmissionReview; the message says why."""


class _Kind(msgspec.Struct, frozen=True, gc=False):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Request(msgspec.Struct, frozen=True, rename="camel", gc=False):
    uid: str
    kind: _Kind
    operation: str = ""
    name: str = ""
    namespace: str = ""
    object: msgspec.Raw = msgspec.Raw(b"null")
    old_object: msgspec.Raw = msgspec.Raw(b"null")


class _Review(msgspec.Struct, frozen=True, rename="camel", gc=False):
    api_version: str
    kind: str
    request: _Request


_decode = msgspec.json.Decoder(_Review).decode


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Whether the object is admitted, and the message for its author."""

    allowed: bool
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def answered(body: bytes, judge: Judge, watched: Callable[[str], bool]) -> tuple[bytes, bool]:
    """The answer to the review BODY, and whether it allows; WATCHED says whether Edge looks at a namespace.

    Raises:
        MalformedReviewError: BODY is none.
    """
    try:
        review = _decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedReviewError(f"not an AdmissionReview: {error}") from error
    if (review.api_version, review.kind) != (VERSION, "AdmissionReview"):
        raise MalformedReviewError(f"{review.kind} of {review.api_version} is not an AdmissionReview of {VERSION}")
    answer = _answer(review.request, judge, watched)
    return _encoded(review.request.uid, answer), answer.allowed


def _answer(request: _Request, judge: Judge, watched: Callable[[str], bool]) -> Answer:
    kind = (request.kind.group, request.kind.version, request.kind.kind)
    if kind != _KIND:
        return Answer(False, (f"{'/'.join(filter(None, kind))} is not validated here; only Ingresses are",))
    if request.operation not in _OPERATIONS or not watched(request.namespace):
        return Answer(True)
    try:
        ingress = _ingress(request.object, request)
    except ObjectError as error:
        return Answer(False, (str(error),))
    if ingress.metadata.deletion_timestamp:
        return Answer(True)

    def failed(fault: str) -> list[Problem]:
        return [warning("InternalError", "", f"the webhook could not judge it: {fault}")]

    found = contain(ingress.id, lambda: judge(ingress), failed)
    if found is None:
        return Answer(True)
    refusals = [problem for problem in found if is_refused(problem)]
    if refusals and _is_as_before(ingress, request):
        refusals = []
    warnings = [problem for problem in found if problem not in refusals]
    return Answer(not refusals, tuple(map(str, refusals)), tuple(_limited(warnings)))


def _ingress(raw: msgspec.Raw, request: _Request) -> Ingress:
    """The Ingress in RAW, with the name and namespace of REQUEST where it has none of its own."""
    ingress = decode(raw, "Ingress")
    assert isinstance(ingress, Ingress)  # noqa: S101 - by the name of its kind
    metadata = ingress.metadata
    name, namespace = metadata.name or request.name, metadata.namespace or request.namespace
    return replace(ingress, metadata=replace(metadata, name=name, namespace=namespace))


def _is_as_before(ingress: Ingress, request: _Request) -> bool:
    """Whether this update changes neither the spec nor the annotations."""
    if request.operation != "UPDATE":
        return False
    try:
        old = _ingress(request.old_object, request)
    except ObjectError:
        return False
    return old.spec == ingress.spec and old.annotations == ingress.annotations


def _limited(problems: Iterable[Problem]) -> list[str]:
    """PROBLEMS as warnings, as many and as long as the API server takes them."""
    found: list[str] = []
    room = _MOST_WARNINGS - _LONGEST_WARNING
    texts = [str(problem) for problem in problems]
    for number, text in enumerate(texts):
        short = text if len(text) <= _LONGEST_WARNING else text[: _LONGEST_WARNING - 3] + "..."
        room -= len(short)
        if room < 0:
            return [*found, f"and {len(texts) - number} more; Events of the Ingress have all"]
        found.append(short)
    return found


def _encoded(uid: str, answer: Answer) -> bytes:
    response: dict[str, Any] = {"uid": uid, "allowed": answer.allowed}
    if answer.warnings:
        response["warnings"] = answer.warnings
    if not answer.allowed:
        response["status"] = {"code": REFUSED, "reason": "BadRequest", "message": "; ".join(answer.refusals)}
    return msgspec.json.encode({"apiVersion": VERSION, "kind": "AdmissionReview", "response": response})

"""Certificates of authorities in ConfigMaps, which verify those of endpoints or of clients.

Rules of this file:
- Of several references the usable ones are used. Without one nothing can be verified.
- A ConfigMap that has not been read yet is neither good nor bad: nothing is reported until it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.translate import authorities
from edge.control.translate.authorities import AuthorityError
from edge.control.translate.gateway.grants import remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.control.kinds.gateway import AuthorityReference
    from edge.control.translate.gateway.view import View

KEY: Final = "ca.crt"
KIND: Final = "InvalidKind"
REFERENCE: Final = "InvalidCACertificateRef"
NOT_PERMITTED: Final = "RefNotPermitted"


class Trusted(msgspec.Struct, frozen=True):
    """The result of references."""

    pem: bytes = b""
    """Empty: nothing can be used."""
    problems: tuple[Problem, ...] = ()
    pending: bool = False
    """Whether a ConfigMap has not been read yet."""


def trusted(owner: ObjectId, references: Sequence[AuthorityReference], field: str, view: View) -> Trusted:
    """The result of REFERENCES at FIELD of OWNER."""
    found: list[bytes] = []
    problems: list[Problem] = []
    pending = False
    for number, reference in enumerate(references):
        at = f"{field}[{number}]"
        read = _read(owner, reference, at, view)
        if read is None:
            pending = True
        elif isinstance(read, Problem):
            problems.append(read)
        else:
            found.append(read)
    return Trusted(b"".join(found), tuple(problems), pending)


def _read(owner: ObjectId, reference: AuthorityReference, field: str, view: View) -> bytes | Problem | None:
    """The certificates of REFERENCE; None: it has not been read yet."""
    if (reference.group, reference.kind) != ("", ConfigMap.kind):
        return error(KIND, f"{field}.kind", f"{reference.kind} is not supported; name a ConfigMap")
    target = ObjectId(ConfigMap.kind, reference.namespace or owner.namespace, reference.name)
    if target.namespace != owner.namespace and not view.is_granted(owner, target):
        message = f"{target} is in another namespace, and {remedy(owner, target)}"
        return error(NOT_PERMITTED, field, message)
    found = view.referent(target)
    if found is None:
        return None
    text = (found.data or {}).get(KEY, "") if isinstance(found, ConfigMap) else ""
    if not text:
        return error(REFERENCE, f"{field}.name", found if isinstance(found, str) else f"{target} has no {KEY}")
    try:
        return authorities.parse(text.encode())
    except AuthorityError as fault:
        return error(REFERENCE, f"{field}.name", f"{KEY} of {target} cannot be used: {fault}")

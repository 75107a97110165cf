"""What the admission webhook refuses in an Ingress beside its annotations: suspicious names and paths.

Rules of this file:
- No value becomes configuration text here, so these values could not harm Edge. They are refused because operators of
  ingress-nginx rely on that.
- An Ingress that is in the cluster already is served nevertheless.

Source: kubernetes/ingress-nginx 1.15, the checks of its webhook: --deep-inspect and strict-validate-path-type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, error
from edge.control.translate.annotations.values import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.ingress import Ingress
    from edge.control.translate.annotations.values import Defaults
    from edge.settings import Settings

_DANGEROUS: Final = re.compile(
    r"\b(?:alias|root)\s[^;]*;|/etc/(?:passwd|shadow|group|nginx|ingress-controller)|/var/run/secrets|_by_lua"
)
_STRICT_PATH: Final = re.compile(r"/[A-Za-z0-9._/-]*")
_UID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_STRICT_TYPES: Final = ("Exact", "Prefix")
STRICT: Final = "strict-validate-path-type"
DANGEROUS: Final = "DangerousText"
BAD_PATH: Final = "BadPath"
BAD_UID: Final = "BadUid"
WRONG_PREFIX: Final = "WrongPrefix"


def inspected(ingress: Ingress, settings: Settings, defaults: Defaults) -> Iterator[Problem]:
    """What SETTINGS and process-wide DEFAULTS do not allow in INGRESS."""
    strict = defaults.get(STRICT, ("", ""))[0] != "false"
    if settings.annotations_prefix != PREFIX.rstrip("/"):
        yield from _prefixes(ingress, settings.annotations_prefix)
    uid = ingress.metadata.uid
    if uid and not _UID.fullmatch(uid):
        yield error(BAD_UID, "metadata.uid", f'"{uid}" is not a UUID')
    for field, text, kind in _texts(ingress):
        if settings.deep_inspect and _DANGEROUS.search(text):
            yield error(DANGEROUS, field, f'"{text}" looks like configuration of nginx or a path of its files')
        elif strict and kind in _STRICT_TYPES and not _STRICT_PATH.fullmatch(text):
            way = "letters, digits and / . _ - alone are; pathType ImplementationSpecific takes any"
            yield error(BAD_PATH, field, f'"{text}" is not allowed with pathType {kind}: {way}')


def _texts(ingress: Ingress) -> Iterator[tuple[str, str, str]]:
    """Hosts and paths: field, text, and of a path its type."""
    for number, rule in enumerate(ingress.spec.rules or ()):
        field = f"spec.rules[{number}]"
        yield f"{field}.host", rule.host or "", ""
        for place, path in enumerate((rule.http.paths if rule.http is not None else None) or ()):
            yield f"{field}.http.paths[{place}].path", path.path or "/", path.path_type or ""
    for number, entry in enumerate(ingress.spec.tls or ()):
        for host in entry.hosts or ():
            yield f"spec.tls[{number}].hosts", host, ""


def _prefixes(ingress: Ingress, prefix: str) -> Iterator[Problem]:
    for name in ingress.annotations:
        if name.startswith(PREFIX):
            message = f'annotations begin with "{prefix}/" here'
            yield error(WRONG_PREFIX, f'metadata.annotations["{name}"]', message)

"""The support of each key of ingress-nginx's ConfigMap: for docs/migration.md and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.translate.annotations.catalogue import Entry, Support
from edge.control.translate.configmap.groups import GROUPS
from edge.control.translate.configmap.keys import Sort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Key


def catalogue() -> tuple[Entry, ...]:
    """All keys, by group."""
    return tuple(_entries())


def _entries() -> Iterator[Entry]:
    for module in GROUPS:
        subject = (module.__doc__ or "").partition("\n")[0].partition(":")[0].rstrip(".")
        for key in module.KEYS:
            yield Entry(key.name, _support(key), subject, key.remark)


def _support(key: Key) -> Support:
    if key.sort is Sort.WITHOUT_EFFECT:
        return Support.WITHOUT_EFFECT
    if key.sort is Sort.REFUSED:
        return Support.REFUSED
    return Support.DIFFERENT if key.remark else Support.HONOURED

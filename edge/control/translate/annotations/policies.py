"""All annotations of an Ingress in one struct: the only thing that the rest of the translation knows of them."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.kinds.problems import Problem, warning
from edge.control.translate.annotations import balancing, exchanges, logging, redirects
from edge.control.translate.annotations.balancing import Balancing
from edge.control.translate.annotations.exchanges import Exchanges
from edge.control.translate.annotations.logging import Logging
from edge.control.translate.annotations.names import INGRESS_NGINX
from edge.control.translate.annotations.redirects import Redirects
from edge.control.translate.annotations.values import PREFIX, Values, field

if TYPE_CHECKING:
    from collections.abc import Mapping


class Policies(msgspec.Struct, frozen=True, gc=False):
    """What the annotations of one Ingress ask for."""

    redirects: Redirects = Redirects()
    exchanges: Exchanges = Exchanges()
    balancing: Balancing = Balancing()
    logging: Logging = Logging()


NONE: Final = Policies()
SUPPORTED: Final = redirects.NAMES | exchanges.NAMES | balancing.NAMES | logging.NAMES


def read(annotations: Mapping[str, str]) -> tuple[Policies, tuple[Problem, ...]]:
    """The policies in ANNOTATIONS, and what is wrong with them."""
    ours = tuple((name[len(PREFIX) :], value) for name, value in annotations.items() if name.startswith(PREFIX))
    return _read(ours) if ours else (NONE, ())


@lru_cache(maxsize=1024)  # most Ingresses of a cluster carry one of few sets of annotations
def _read(annotations: tuple[tuple[str, str], ...]) -> tuple[Policies, tuple[Problem, ...]]:
    values = Values(dict(annotations))
    policies = Policies(
        redirects=redirects.read(values),
        exchanges=exchanges.read(values),
        balancing=balancing.read(values),
        logging=logging.read(values),
    )
    ignored = [_ignored(name) for name, _ in annotations if name not in SUPPORTED]
    return policies, (*values.problems, *ignored)


def _ignored(name: str) -> Problem:
    if name in INGRESS_NGINX:
        return warning("UnsupportedAnnotation", field(name), "not supported; the annotation is ignored")
    close = difflib.get_close_matches(name, SUPPORTED | INGRESS_NGINX, n=1)
    hint = f'; did you mean "{PREFIX}{close[0]}"?' if close else ""
    return warning("UnknownAnnotation", field(name), f"there is no such annotation{hint}")

"""Which Ingresses are ours.

In the order in which it is decided (Kubernetes docs, Ingress, "Ingress class"; ingress-nginx's flags):
1. `spec.ingressClassName`: ours when that IngressClass has our `spec.controller`, or is the one that
   `--ingress-class-by-name` picks. In manifest files the name of `--ingress-class` is ours without an IngressClass too.
2. The annotation `kubernetes.io/ingress.class`: ours when it has the value of `--ingress-class`.
3. Neither: ours when the default IngressClass is ours, or with `--watch-ingress-without-class`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from edge.control.kinds.ingress import CLASS_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.kinds.ingress import Ingress, IngressClass
    from edge.settings import Settings

DEFAULT_ANNOTATION: Final = "ingressclass.kubernetes.io/is-default-class"


class Claim(Enum):
    """The controller of an Ingress."""

    OURS = "ours"
    OTHERS = "of another controller"
    UNKNOWN = "of an IngressClass that does not exist"
    NONE = "of no class"


def class_name(ingress: Ingress) -> str:
    """The class that INGRESS names, by field or else by annotation; empty: none."""
    return ingress.spec.ingress_class_name or ingress.annotations.get(CLASS_ANNOTATION, "")


def claim(ingress: Ingress, classes: Mapping[str, IngressClass], settings: Settings) -> Claim:
    """Whether INGRESS is ours, given all CLASSES by name."""
    name = ingress.spec.ingress_class_name
    if name:
        return _by_field(name, classes, settings)
    annotation = ingress.annotations.get(CLASS_ANNOTATION, "")
    if annotation:
        return Claim.OURS if annotation == settings.ingress_class else Claim.OTHERS
    if settings.watch_ingress_without_class or default_is_ours(classes, settings):
        return Claim.OURS
    return Claim.NONE


def _by_field(name: str, classes: Mapping[str, IngressClass], settings: Settings) -> Claim:
    known = classes.get(name)
    if known is None:
        assumed = bool(settings.manifests) and name == settings.ingress_class
        return Claim.OURS if assumed else Claim.UNKNOWN
    return Claim.OURS if _is_ours(known, settings) else Claim.OTHERS


def _is_ours(ingress_class: IngressClass, settings: Settings) -> bool:
    by_name = settings.ingress_class_by_name and ingress_class.metadata.name == settings.ingress_class
    return by_name or ingress_class.spec.controller == settings.controller_class


def default_is_ours(classes: Mapping[str, IngressClass], settings: Settings) -> bool:
    """Whether Ingresses without a class are ours because of the default one of CLASSES."""
    # Of several defaults the newest counts, as in the API server's admission (DefaultIngressClass).
    defaults = [one for one in classes.values() if one.annotations.get(DEFAULT_ANNOTATION) == "true"]
    if not defaults:
        return False
    defaults.sort(key=lambda one: one.metadata.name)
    newest = max(defaults, key=lambda one: one.metadata.creation_timestamp or "")
    return _is_ours(newest, settings)

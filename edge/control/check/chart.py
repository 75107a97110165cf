"""Values of ingress-nginx's chart without an equivalent in Edge: for reports, and for the notes of Edge's own chart.

Rules of this file:
- A value that is off (false, empty, nothing) is skipped, so that files of values can be kept as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

UNAVAILABLE: Final = {
    "dhParam": "Edge offers no cipher that would use it",
    "defaultBackend.enabled": "name a Service of yours in controller.extraArgs.default-backend-service",
    "controller.addHeaders": "make a ConfigMap of them and name it in controller.config.add-headers",
    "controller.proxySetHeaders": "make a ConfigMap of them and name it in controller.config.proxy-set-headers",
    "controller.customTemplate.configMapName": "there is no nginx.conf, so no template of it",
    "controller.extraModules": "there is no nginx to load modules into",
    "controller.maxmindLicenseKey": "there is no GeoIP",
    "controller.opentelemetry.enabled": "use controller.config.enable-opentelemetry",
    "controller.tcp.configMapNamespace": "the ConfigMap stands in the namespace of the release",
    "controller.udp.configMapNamespace": "the ConfigMap stands in the namespace of the release",
    "controller.lifecycle": (
        "it is not needed; Edge drains by itself at SIGTERM, and "
        "controller.preStopDelay is how long it goes on accepting"
    ),
    "controller.image.chroot": "the image has no such variant; its root is read-only",
    "controller.image.runAsNonRoot": "it is in controller.podSecurityContext",
    "controller.image.runAsUser": "it is in controller.podSecurityContext",
    "controller.image.runAsGroup": "it is in controller.podSecurityContext",
    "controller.image.seccompProfile": "it is in controller.podSecurityContext",
    "controller.image.allowPrivilegeEscalation": "it is in controller.containerSecurityContext",
    "controller.image.readOnlyRootFilesystem": "it is in controller.containerSecurityContext",
}
"""What to do instead, by the path of the value."""
IDLE: Final = (
    "controller.enableAnnotationValidations",
    "controller.enableMimalloc",
    "controller.healthCheckHost",
    "controller.configMapNamespace",
    "controller.image.digestChroot",
    "controller.containerName",
)
"""Those that have no effect in Edge."""
IMAGE: Final = "controller.image"
OF_INGRESS_NGINX: Final = "ingress-nginx/controller"
_IMAGE: Final = "it is the image of ingress-nginx, so that of Edge is used; name yours"
_PORTS: Final = {"http-port": "http", "https-port": "https"}


def unavailable(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The paths in VALUES that are set and have no effect, and what to do instead."""
    for path, way in UNAVAILABLE.items():
        if _at(values, path):
            yield path, way
    image = _at(values, IMAGE)
    if isinstance(image, dict) and OF_INGRESS_NGINX in f"{image.get('image', '')}{image.get('repository', '')}":
        yield IMAGE, _IMAGE
    for name, port in _PORTS.items():
        if _at(values, f"controller.extraArgs.{name}"):
            yield f"controller.extraArgs.{name}", f"the port inside the pod is controller.containerPort.{port}"


def _at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, dict) else None
    return values

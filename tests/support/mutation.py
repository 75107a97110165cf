"""Spoilt inputs of the control plane: certificates, PEM texts and objects, changed at random places by a seed."""

from __future__ import annotations

import copy
import random
from typing import Any

from edge.control.kinds.registry import DEFINITIONS
from tests.support import gateway, objects
from tests.support.world import Manifest

KINDS = tuple(DEFINITIONS)
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1, 65536, 2**31, 2**63, 2**64, 10**30, 1.5, 1e308, "", " ", "\0", "\x7f", "é", "\u2028", "²",
    "٣", "a" * 70, "a." * 200, "*", "*.*", ".", "..", "/", "//", "a\nb", "%00", "{}", "-", "-1", "9" * 30, "9" * 5000,
    "true", "None", "ExternalName", "UDP", "::1", "fe80::1%eth0", "0.0.0.0", "1.2.3", "[]", "999999999999999g",
    "2026-01-01T00:00:00", "9999-99-99T99:99:99Z", [], {}, [None], [[]], {"": ""}, {"name": 1}, {"number": 10**30},
    ["a", 1], "\U0001f600", "localhost", "a\0b.test",
)  # fmt: skip
"""Values that a field may have and nobody expects."""
NUMBERS: tuple[Any, ...] = (
    *(value for value in ODD if isinstance(value, int)),
    {"name": "²"}, {"name": "9" * 30}, {"name": "65536"}, {"name": "0"}, {"number": 65536}, {"number": 2**64}
)  # fmt: skip
"""For a port: a number, or an object that names one."""
SETTINGS = (
    "",
    "0",
    "1",
    "-1",
    "true",
    "x",
    "9" * 10,
    "9" * 30,
    "²",
    "999999999999999g",
    "99999999999g",
    "1.5",
    "off http_500",
)
"""For an annotation."""
ANNOTATIONS = (
    "proxy-body-size", "proxy-connect-timeout", "proxy-read-timeout", "proxy-next-upstream",
    "proxy-next-upstream-tries", "service-upstream", "load-balance", "ssl-redirect", "force-ssl-redirect",
    "preserve-trailing-slash",
    "enable-access-log", "auth-secret", "auth-type", "no-such",
)  # fmt: skip


def sample() -> list[Manifest]:
    """One object of each kind, which belong together, with every field that is read."""
    ingress = objects.ingress("web", secret="tls", creationTimestamp="2026-01-01T00:00:00Z")
    ingress["metadata"]["annotations"] = {
        f"nginx.ingress.kubernetes.io/{name}": value
        for name, value in (("proxy-body-size", "8m"), ("proxy-read-timeout", "5"), ("service-upstream", "false"))
    }
    ingress["spec"]["defaultBackend"] = {"service": {"name": "web", "port": {"name": "http"}}}
    ingress["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "hostname": "lb.test"}]}}
    outside = objects.service("outside", type="ExternalName", externalName="backend.test")
    direct = objects.ingress("direct", host="*.web.example", service="outside")
    direct["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/service-upstream": "true"}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "demo"},
        "data": {"a": "b"},
    }
    return [
        objects.ingress_class(),
        ingress,
        direct,
        objects.service(),
        outside,
        objects.endpoints("web", "10.0.0.1", "10.0.0.2"),
        objects.secret(tls_crt="-----BEGIN CERTIFICATE-----", tls_key="user:$apr1$x$y\n"),
        config,
        *_gateway_api(),
    ]


def _gateway_api() -> list[Manifest]:
    changes: Manifest = {
        "set": [{"name": "X-A", "value": "1"}],
        "add": [{"name": "X-B", "value": "2"}],
        "remove": ["X-C"],
    }
    modifiers = [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": changes},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": changes},
    ]
    prefix = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/b"}
    rewrite = {"type": "URLRewrite", "urlRewrite": {"hostname": "inner.test", "path": prefix}}
    full = {"type": "ReplaceFullPath", "replaceFullPath": "/"}
    redirect = {"scheme": "https", "hostname": "b.test", "port": 8443, "statusCode": 301, "path": full}
    match = gateway.path("/a", headers=gateway.values(x="1"), queryParams=gateway.values(q="1"), method="GET")
    routes = gateway.route(
        gateway.rule("web=3", gateway.backend("web", filters=modifiers), matches=[match], filters=[rewrite]),
        {"filters": [{"type": "RequestRedirect", "requestRedirect": redirect}, *modifiers]},
        hosts=("*.web.example", "web.example"),
        parents=[{"name": "edge", "namespace": "demo", "sectionName": "https", "port": 443}, {"name": "edge"}],
    )
    allowed = {"namespaces": {"from": "All"}, "kinds": [{"kind": "HTTPRoute"}]}
    secure = gateway.listener("https", "*.example", secret="tls", allowedRoutes=allowed)
    grant = gateway.grant("HTTPRoute", "demo", "Service", namespace="demo", name="web")
    return [gateway.gateway_class(), gateway.gateway(gateway.listener(), secure), routes, grant]


def spoilt_objects(chance: random.Random) -> list[Manifest]:
    """The sample with one to five of its values replaced, dropped or put elsewhere."""
    made = copy.deepcopy(sample())
    for _ in range(chance.randint(1, 5)):
        one = chance.choice(made)
        metadata = one.get("metadata")
        if chance.random() < 0.3 and isinstance(metadata, dict):
            names = chance.sample(ANNOTATIONS, 3)
            metadata["annotations"] = {f"nginx.ingress.kubernetes.io/{name}": chance.choice(SETTINGS) for name in names}
            continue
        places = _places(one)
        if not places:
            continue
        holder, key = chance.choice(places)
        what = chance.random()
        if what < 0.7:
            numeric = key in ("port", "number", "targetPort")
            holder[key] = copy.deepcopy(chance.choice(NUMBERS if numeric and chance.random() < 0.7 else ODD))
        elif what < 0.85:
            del holder[key]
        else:
            other, other_key = chance.choice(places)
            holder[key] = copy.deepcopy(other[other_key])
    return [one for one in made if one.get("kind") in KINDS]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every value within VALUE as its holder and key, except what says which kind it is."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if key not in ("kind", "apiVersion"):
            found.append((value, key))
        found += _places(inner)
    # Deleting from a list moves what is behind: the last place first.
    return found[::-1]


def spoilt_bytes(data: bytes, chance: random.Random) -> bytes:
    """DATA with a few bytes changed, taken out, repeated, or put in."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(made) + 1)
        what = chance.randrange(6)
        if what == 0 and at < len(made):
            made[at] ^= 1 << chance.randrange(8)
        elif what == 1 and at < len(made):
            made[at] = chance.choice((0, 1, 0x1F, 0x30, 0x7F, 0x80, 0x84, 0xA0, 0xFF, chance.randrange(256)))
        elif what == 2:
            del made[at : at + chance.choice((1, 2, 16))]
        elif what == 3:
            made[at:at] = chance.randbytes(chance.choice((1, 2, 16)))
        elif what == 4:
            made[at:at] = made[at : at + chance.choice((1, 8, 64))]
        else:
            del made[at:]
    return bytes(made)

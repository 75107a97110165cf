"""Gateways with addresses of their own: listeners that come and go, kept apart by address, port and host name."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.support import certificates, gateway, objects
from tests.support.backends import Backend
from tests.support.certificates import trusting_all
from tests.support.clients import get
from tests.support.edge import Edge, free_port, write
from tests.support.gateway import listener, path, route, rule
from tests.support.objects import Manifest
from tests.support.waiting import eventually

PAIR = certificates.issue("*.example", "example.org", "second-example.org")
PLAIN, SECURE = free_port(), free_port()
"""Ports of listeners: those below 1024 may not be free to us."""
STATIC = "127.9.0.77"
pytestmark = pytest.mark.usefixtures("edge")


def at(port: int, name: str = "http", hostname: str = "", **rest: object) -> Manifest:
    return listener(name, hostname, **{"port": port, **rest})


def taken(address: str, target: str = "/", host: str = "web.example", port: int = PLAIN) -> str:
    """Name of the backend that answers, else the status; empty: nobody listens."""
    try:
        response = get(port, target, host=host, address=address)
    except OSError:
        return ""
    return response.get("X-Backend") or str(response.status)


def secure(address: str, server_name: str, host: str, port: int = SECURE) -> str:
    """The same over TLS for SERVER_NAME; `closed`: there is no TLS for it."""
    try:
        response = get(port, "/", host=host, address=address, tls=trusting_all(), server_name=server_name)
    except OSError:
        return "closed"
    return response.get("X-Backend") or str(response.status)


@pytest.fixture(scope="module")
def backends() -> Iterator[tuple[Backend, Backend]]:
    with Backend("one") as one, Backend("two") as two:
        yield one, two


@pytest.fixture(scope="module")
def site(backends: tuple[Backend, Backend], tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("manifests"))
    for name, one in zip(("one", "two"), backends, strict=True):
        write(made.folder, f"{name}.yaml", objects.service(name, target="http"))
        made.endpoints(name, one)
    write(made.folder, "secret.yaml", objects.secret(tls_crt=PAIR.certificate, tls_key=PAIR.key))
    write(made.folder, "class.yaml", gateway.gateway_class())
    return made


@pytest.fixture(scope="module")
def edge(site: Site) -> Iterator[Edge]:
    with Edge(site.folder, "--gateway-addresses=127.9.0.0/24", workers=2) as one:
        yield one


def put(site: Site, name: str, *objects: Manifest) -> None:
    write(site.folder, f"{name}.yaml", *objects)


def address_of(edge: Edge, name: str) -> str:
    """The address on which the log says that the Gateway NAME is listened for."""
    found = re.findall(rf"://(127\.9\.0\.\d+):\d+ for demo/{name}:", edge.log)
    assert found
    return str(found[-1])


def static(name: str, address: str, *listeners: Manifest) -> Manifest:
    made = gateway.gateway(*listeners, name=name)
    made["spec"]["addresses"] = [{"type": "IPAddress", "value": address}]
    return made


def test_gateways_with_the_same_port_and_host_are_kept_apart(edge: Edge, site: Site) -> None:
    for name, service in (("left", "one"), ("right", "two")):
        put(
            site,
            f"apart-{name}",
            gateway.gateway(at(PLAIN), name=name),
            route(rule(service), name=name, hosts=(), parents=[{"name": name}]),
        )
    eventually(lambda: [taken(address_of(edge, name)) for name in ("left", "right")] == ["one", "two"])
    assert address_of(edge, "left") != address_of(edge, "right")
    assert edge.get("/", host="web.example").status == 404, "Edge's own addresses know nothing of it"


def test_a_listener_comes_moves_and_goes(site: Site) -> None:
    served = route(rule("one"), name="moving", parents=[{"name": "moving"}])
    put(site, "moving", static("moving", STATIC, at(PLAIN)), served)
    eventually(lambda: taken(STATIC) == "one")
    other = free_port()
    put(site, "moving", static("moving", STATIC, at(other)), served)
    eventually(lambda: (taken(STATIC), taken(STATIC, port=other)) == ("", "one"))
    put(site, "moving")
    eventually(lambda: taken(STATIC, port=other) == "")


def test_the_most_specific_listener_takes_a_request(site: Site) -> None:
    """As conformance has it: routes of one listener do not take what another one takes."""
    hosts = {"empty": "", "wild": "*.example.com", "foo-wild": "*.foo.example.com", "exact": "abc.foo.example.com"}
    listeners = [at(PLAIN, name, hostname) for name, hostname in hosts.items()]
    routes = [
        route(
            rule("one", matches=[path(f"/{name}")]), name=name, hosts=(),
            parents=[{"name": "isolated", "sectionName": name}],
        )
        for name in hosts
    ]  # fmt: skip
    put(site, "isolated", static("isolated", "127.9.0.78", *listeners), *routes)
    asked = {"bar.com": "empty", "bar.example.com": "wild", "bar.foo.example.com": "foo-wild", hosts["exact"]: "exact"}
    eventually(lambda: taken("127.9.0.78", "/exact", hosts["exact"]) == "one")
    for host, own in asked.items():
        found = {name: taken("127.9.0.78", f"/{name}", host) for name in hosts}
        assert found == {name: "one" if name == own else "404" for name in hosts}, host


def test_what_an_exact_host_does_not_take_goes_to_the_wildcard_of_the_listener(site: Site) -> None:
    routes = [
        route(rule("one", matches=[path("/a")]), name="narrow", hosts=("a.wide.example",), parents=[{"name": "wide"}]),
        route(rule("two"), name="wide", hosts=("*.wide.example",), parents=[{"name": "wide"}]),
    ]
    put(site, "wide", static("wide", "127.9.0.79", at(PLAIN)), *routes)
    eventually(lambda: taken("127.9.0.79", "/a", "a.wide.example") == "one")
    assert taken("127.9.0.79", "/b", "a.wide.example") == "two"
    assert taken("127.9.0.79", "/b", "wide.example") == "404"


def test_a_request_for_a_host_of_another_listener_is_misdirected(site: Site) -> None:
    listeners = [
        at(SECURE, "any", secret="tls"),
        at(SECURE, "second", "second-example.org", secret="tls"),
        at(SECURE, "wild", "*.wild.example", secret="tls"),
    ]
    routes = [
        route(rule(service), name=f"tls-{name}", hosts=hosts, parents=[{"name": "secure", "sectionName": name}])
        for name, service, hosts in (
            ("any", "one", ("example.org",)),
            ("second", "two", ()),
            ("wild", "two", ()),
        )
    ]
    put(site, "secure", static("secure", "127.9.0.80", *listeners), *routes)
    eventually(lambda: secure("127.9.0.80", "example.org", "example.org") == "one")
    found = [
        secure("127.9.0.80", *pair)
        for pair in (
            ("example.org", "second-example.org"),
            ("example.org", "unknown.org"),
            ("second-example.org", "second-example.org"),
            ("second-example.org", "example.org"),
            ("a.wild.example", "b.wild.example"),
            ("a.wild.example", "unknown.org"),
            ("unknown.org", "example.org"),
        )
    ]
    assert found == ["421", "404", "two", "421", "two", "421", "one"]


def test_a_server_name_that_no_listener_has_is_not_served(site: Site) -> None:
    put(
        site,
        "strict",
        static("strict", "127.9.0.81", at(SECURE, "only", "only.example", secret="tls")),
        route(rule("one"), name="strict", hosts=(), parents=[{"name": "strict"}]),
    )
    eventually(lambda: secure("127.9.0.81", "only.example", "only.example") == "one")
    assert secure("127.9.0.81", "other.example", "only.example") == "closed"


def test_a_redirect_without_a_port_names_that_of_the_listener(site: Site) -> None:
    to = {"type": "RequestRedirect", "requestRedirect": {"hostname": "new.example"}}
    put(
        site,
        "redirect",
        static("redirecting", "127.9.0.82", at(PLAIN)),
        route({"filters": [to]}, name="redirect", parents=[{"name": "redirecting"}]),
    )
    eventually(lambda: taken("127.9.0.82") == "302")
    location = get(PLAIN, "/x", host="web.example", address="127.9.0.82").get("Location")
    assert location == f"http://new.example:{PLAIN}/x"


def test_a_port_that_edge_listens_on_at_all_addresses(site: Site) -> None:
    """Edge's own socket takes the connections; which Gateway they are for follows from the address."""
    port = free_port()
    put(
        site,
        "beside",
        static("beside", "127.9.1.1", at(port)),
        route(rule("two"), name="beside", hosts=(), parents=[{"name": "beside"}]),
        route(rule("one"), name="everywhere", hosts=("web.example",), parents=[{"name": "beside", "port": port}]),
    )
    with Edge(site.folder, f"--http=0.0.0.0:{port}", "--gateway-addresses=127.9.1.1") as one:
        eventually(lambda: taken("127.9.1.1", host="other.example", port=port) == "two")
        assert taken("127.9.1.1", port=port) == "one"
        assert taken("127.9.1.2", port=port) == "404"
        assert one.get("/").status == 404


def test_a_new_arbiter_and_new_workers_have_the_listeners(site: Site) -> None:
    """Nobody is refused while they take over."""
    port = free_port()
    put(
        site,
        "kept",
        static("kept", "127.9.2.1", at(port)),
        route(rule("one"), name="kept", hosts=(), parents=[{"name": "kept"}]),
    )
    with Edge(site.folder, "--gateway-addresses=127.9.2.1") as one:
        eventually(lambda: taken("127.9.2.1", port=port) == "one")
        first = one.masters()[0]
        one.signal_to(one.workers()[0], signal.SIGKILL)
        assert taken("127.9.2.1", port=port) == "one", "the connection waits for the next worker"
        one.signal_to(first, signal.SIGUSR2)
        eventually(lambda: len(one.masters()) == 2)
        one.signal_to(first, signal.SIGTERM)
        while first in one.tree():
            assert taken("127.9.2.1", port=port) == "one"
        assert taken("127.9.2.1", port=port) == "one"


# --- certificates of clients ----------------------------------------------------------------------------------------

ROOT, OTHER_ROOT = certificates.authority(), certificates.authority("Other")
CLIENT, STRANGER = (certificates.issue("client.example", issuer=one, client=True) for one in (ROOT, OTHER_ROOT))


def verifying(name: str, address: str, mode: str = "AllowValidOnly") -> Manifest:
    """A Gateway with a listener for TLS and one in the clear, which verifies clients by the ConfigMap `clients`."""
    made = static(name, address, at(PLAIN), at(SECURE, "tls", secret="tls"))
    reference = [{"group": "", "kind": "ConfigMap", "name": "clients"}]
    made["spec"]["tls"] = {"frontend": {"default": {"validation": {"caCertificateRefs": reference, "mode": mode}}}}
    return made


def shown_to(address: str, pair: certificates.Pair | None, folder: Path) -> str:
    """Who answers a client that shows PAIR; `refused`: there is no TLS for it."""
    context = trusting_all()
    if pair is not None:
        context.load_cert_chain(*pair.write(folder))
    try:
        response = get(SECURE, "/", host="web.example", address=address, tls=context)
    except OSError:
        return "refused"
    return response.get("X-Backend") or str(response.status)


@pytest.mark.parametrize(
    ("mode", "address", "answers"),
    [
        ("AllowValidOnly", "127.9.0.90", ["one", "refused", "refused"]),
        ("AllowInsecureFallback", "127.9.0.96", ["one", "one", "one"]),
    ],
)
def test_clients_are_verified(site: Site, tmp_path: Path, mode: str, address: str, answers: list[str]) -> None:
    """Listeners in the clear are not affected."""
    name = mode.lower()
    put(site, "clients", objects.config_map("clients", {"ca.crt": ROOT.certificate.decode()}))
    put(
        site,
        name,
        verifying(name, address, mode),
        route(rule("one"), name=name, hosts=(), parents=[{"name": name}]),
    )
    eventually(lambda: shown_to(address, CLIENT, tmp_path) == "one")
    assert [shown_to(address, pair, tmp_path) for pair in (CLIENT, STRANGER, None)] == answers
    assert taken(address) == "one"


def test_without_authorities_nobody_is_let_in(site: Site, tmp_path: Path) -> None:
    made = verifying("unverified", "127.9.0.92")
    made["spec"]["tls"]["frontend"]["default"]["validation"]["caCertificateRefs"][0]["name"] = "missing"
    put(site, "unverified", made, route(rule("one"), name="unverified", hosts=(), parents=[{"name": "unverified"}]))
    eventually(lambda: taken("127.9.0.92") == "one")
    assert shown_to("127.9.0.92", CLIENT, tmp_path) == "refused"

"""Changes of manifests under load take effect at once and fail no request."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from tests.e2e.conftest import Site
from tests.support import certificates, objects
from tests.support.backends import Backend
from tests.support.certificates import Pair
from tests.support.edge import Edge, write
from tests.support.load import Load, Responder
from tests.support.waiting import eventually


def fingerprint(pair: Pair) -> str:
    """SHA-256 of the certificate as a client sees it."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pair.certificate.decode())).hexdigest()


def write_secret(site: Site, pair: Pair) -> None:
    write(site.folder, "secret.yaml", objects.secret(tls_crt=pair.certificate, tls_key=pair.key))


def many(site: Site, count: int) -> None:
    """COUNT more Ingresses, of a host each."""
    write(site.folder, "many.yaml", *(objects.ingress(f"i{n}", host=f"h{n}.example") for n in range(count)))


def test_an_endpoint_edit_is_obeyed_by_the_next_request(site: Site) -> None:
    """In a folder of 1,000 Ingresses, with clients at full load: once one worker has obeyed, none asks the old one."""
    with Responder("blue") as blue, Responder("green") as green:
        site.serve("web", blue)
        many(site, 1000)
        with Edge(site.folder, workers=2) as edge, Load(edge.http) as load:
            load.more(500)
            site.endpoints("web", green)
            eventually(lambda: edge.get("/").get("x-backend") == "green")
            load.more(500)
            obeyed = load.now()
            load.more(500)
            site.endpoints("web", green, blue)
            eventually(lambda: edge.get("/").get("x-backend") == "blue")
            load.more(500)
            result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}
    assert result.backends["blue"] > 500
    assert result.backends["green"] > 500
    assert result.backends.keys() == {"blue", "green"}
    assert obeyed < result.last["blue"], "after the second edit blue is asked again"


def test_an_endpoint_that_is_gone_is_not_asked_again(site: Site) -> None:
    """Not by any worker, from the moment that one of them is seen to obey."""
    with Responder("blue") as blue, Responder("green") as green:
        site.serve("web", blue)
        with Edge(site.folder, workers=2) as edge, Load(edge.http) as load:
            load.more(500)
            site.endpoints("web", green)
            eventually(lambda: edge.get("/").get("x-backend") == "green")
            obeyed = load.now()
            load.more(1000)
            result = load.finish()
    assert not result.failures
    assert result.last["blue"] < obeyed
    assert result.first["green"] < result.last["green"]


def test_routes_come_change_and_go(site: Site, backend: Backend) -> None:
    """A new file is served, a changed one obeyed, a removed one forgotten."""
    with Edge(site.folder) as edge, Backend("other") as other:
        assert edge.get("/").status == 404
        site.serve("web", backend)
        eventually(lambda: edge.get("/").status == 200)
        site.serve("web", other)
        eventually(lambda: edge.get("/").get("x-backend") == "other")
        site.serve("web", other, host="new.example")
        eventually(lambda: edge.get("/", host="new.example").status == 200)
        assert edge.get("/").status == 404
        Path(site.folder, "web.yaml").unlink()
        eventually(lambda: edge.get("/", host="new.example").status == 404)


def test_a_broken_file_changes_nothing(site: Site, backend: Backend) -> None:
    """What was served is served on, the fault is told with file and line, and mending it is enough."""
    site.serve("web", backend)
    path = Path(site.folder, "web.yaml")
    good = path.read_text()
    with Edge(site.folder) as edge:
        path.write_text(good[: len(good) // 2] + "\n  : : [")
        eventually(lambda: "web.yaml" in edge.log)
        assert edge.get("/").status == 200
        path.write_text(good.replace("web.example", "mended.example"))
        eventually(lambda: edge.get("/", host="mended.example").status == 200)


def test_a_secret_is_rotated_under_load(site: Site) -> None:
    """New connections get the new certificate, no connection is dropped, no handshake fails."""
    old, new = (certificates.issue("web.example") for _ in range(2))
    with Responder() as responder:
        site.serve("web", responder, secret="tls")
        write_secret(site, old)
        with Edge(site.folder, workers=2) as edge, Load(edge.https, tls=True, per_connection=5) as load:
            load.more(200)
            write_secret(site, new)
            eventually(lambda: shown(edge) == new.serial)
            load.more(200)
            result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}
    assert set(result.certificates) == {fingerprint(old), fingerprint(new)}


def test_a_secret_that_goes_bad_gives_the_default_certificate(site: Site, backend: Backend) -> None:
    """And the right one again when it is mended."""
    pair = certificates.issue("web.example")
    site.serve("web", backend, secret="tls")
    write_secret(site, pair)
    with Edge(site.folder) as edge:
        assert shown(edge) == pair.serial
        write_secret(site, Pair(pair.certificate, certificates.issue("web.example").key))
        eventually(lambda: shown(edge) != pair.serial)
        write_secret(site, pair)
        eventually(lambda: shown(edge) == pair.serial)


def shown(edge: Edge) -> int:
    """Serial number of the certificate for web.example."""
    with edge.connect(tls=certificates.trusting_all(), server_name="web.example") as client:
        return certificates.serial_of(client.certificate)

"""A real Edge as its admin port shows it: traffic, changes, and endpoints as the workers find them."""

import json
import threading
import time
import urllib.request

import pytest

from tests.support import objects
from tests.support.backends import Backend
from tests.support.edge import Edge, write
from tests.support.waiting import eventually, free_port


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifests")
    with Backend() as backend:
        dead = free_port()
        write(folder, "web.yaml", objects.ingress_class(), objects.ingress(), objects.service(target="http"))
        write(
            folder,
            "endpoints.yaml",
            objects.endpoints("web", "127.0.0.1", port=backend.port),
            objects.endpoints("web", "127.0.0.1", port=dead, suffix="2"),
        )
        with Edge(folder, workers=2) as edge:
            yield edge, folder, backend, dead


def get(edge, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{edge.admin}{path}", timeout=40) as response:
        return json.load(response)


def addresses(edge):
    """The endpoints of the only route, by address."""
    [row] = get(edge, "/api/routes")["routes"]
    [backend] = get(edge, f"/api/routes/{row['id']}")["backends"]
    return {one["address"]: one for one in backend["addresses"]}


def test_an_endpoint_that_refuses_is_shown_as_ejected_and_one_that_works_with_what_it_has(world):
    edge, _, backend, dead = world
    backend.release.clear()
    held = [threading.Thread(target=edge.get, args=("/hold",), kwargs={"host": "web.example"}) for _ in range(3)]
    for one in held:
        one.start()
    try:

        def known():
            for _ in range(4):
                edge.get("/", host="web.example")  # so that both workers find out
            found = addresses(edge)
            good, bad = found[f"127.0.0.1:{backend.port}"], found[f"127.0.0.1:{dead}"]
            return good["in_flight"] == 3 and good["ejected"] is False and bad["ejected"] is True and bad

        bad = eventually(known)
        assert 0 < bad["ejected_for"] <= 30
    finally:
        backend.release.set()
        for one in held:
            one.join()
    eventually(lambda: addresses(edge)[f"127.0.0.1:{backend.port}"]["in_flight"] == 0)


def test_while_nobody_looks_at_a_route_workers_say_nothing(world):
    edge = world[0]
    addresses(edge)
    eventually(lambda: list(edge.shm_dir.glob("watched.[0-9]*")))
    eventually(lambda: not list(edge.shm_dir.glob("watched*")), timeout=60)


def test_requests_are_in_the_overview_and_with_their_route(world):
    edge = world[0]

    def seen():
        for _ in range(20):
            edge.get("/", host="web.example")
        [row] = get(edge, "/api/routes?sort=rate")["routes"]
        overview = get(edge, "/api/overview")
        return row["rate"] and row["p99"] and overview["requests"]["rate"] and overview

    overview = eventually(seen)
    assert overview["workers"]["alive"] == 2
    assert overview["samples"]["time"]
    workers = get(edge, "/api/workers")["workers"]
    assert sorted(one["pid"] for one in workers) == sorted(edge.workers())


def test_an_edit_is_a_change_that_took_less_than_a_second_or_so(world):
    edge, folder, *_ = world
    before = get(edge, "/api/changes")["changes"][0]["id"]
    write(folder, "more.yaml", objects.ingress("more", host="more.example"))
    change = eventually(lambda: (one := get(edge, "/api/changes")["changes"][0])["id"] > before and one)
    assert change["objects"]["first"] == [{"action": "apply", "kind": "Ingress", "namespace": "demo", "name": "more"}]
    assert change["touched"]["hosts"]["first"] == ["more.example"]
    assert 0 < change["seconds"] < 40
    assert abs(change["time"] - time.time()) < 60
    (folder / "more.yaml").unlink()
    eventually(lambda: get(edge, "/api/routes")["total"] == 1)

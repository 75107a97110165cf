"""What has changed the table, as the admin port shows it."""

import pytest

from edge.control.publishing import history
from tests.support import objects
from tests.support.admin import Admin


@pytest.fixture
def admin(tmp_path):
    with Admin(tmp_path) as admin:
        admin.apply(objects.ingress(), objects.service(), objects.endpoints("web", "10.0.0.1"))
        yield admin


def newest(admin):
    return admin.get("/api/changes?limit=1")["changes"][0]


def test_a_change_names_its_object_what_it_touched_and_how_long_it_took(admin):
    admin.apply(objects.endpoints("web", "10.0.0.1", "10.0.0.2"))
    found = newest(admin)
    assert found["generation"] == admin.state.generation
    assert found["objects"] == {
        "total": 1,
        "first": [{"action": "apply", "kind": "EndpointSlice", "namespace": "demo", "name": "web-1"}],
    }
    assert found["touched"]["services"] == {"total": 1, "first": ["demo/web:80"]}
    assert found["touched"]["hosts"]["total"] == 0
    assert found["seconds"] > 0
    assert found["time"] == pytest.approx(admin.state.published, abs=1)


def test_a_deletion_is_one_and_touches_the_host_that_goes(admin):
    admin.delete("Ingress", "web")
    found = newest(admin)
    assert found["objects"]["first"][0]["action"] == "delete"
    assert found["touched"]["hosts"]["first"] == ["web.example"]


def test_what_changes_nothing_is_no_change(admin):
    before = newest(admin)["id"]
    admin.apply(objects.service("other"))
    admin.apply(objects.ingress(ingress_class="another"), objects.ingress())
    assert newest(admin)["id"] == before
    admin.apply(objects.ingress(host="other.example"))
    assert newest(admin)["objects"]["total"] == 1, "what came before is not held against it"


def test_problems_that_come_and_go_are_counted(admin):
    admin.delete("Service", "web")
    assert newest(admin)["problems"]["appeared"] == 1
    admin.apply(objects.service())
    assert newest(admin)["problems"]["gone"] == 1


def test_of_many_objects_the_first_are_named(admin):
    admin.apply(*(objects.ingress(f"web-{number}", host=f"{number}.example") for number in range(50)))
    found = newest(admin)
    assert found["objects"]["total"] == found["touched"]["hosts"]["total"] == 50
    assert len(found["objects"]["first"]) == len(found["touched"]["hosts"]["first"]) == history.FIRST


def test_the_newest_come_first_and_the_oldest_go(admin):
    for number in range(history.KEPT + 5):
        admin.apply(objects.endpoints("web", f"10.0.1.{number % 250}"))
    found = admin.get("/api/changes?limit=500")
    assert found["total"] == len(found["changes"]) == history.KEPT
    ids = [one["id"] for one in found["changes"]]
    assert ids == sorted(ids, reverse=True)

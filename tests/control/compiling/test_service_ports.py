"""Service port records: the endpoints that backends name, and their problems."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.compiling.dns_names import Resolution
from edge.control.compiling.uses import LINGER
from edge.settings import Settings
from edge.table.records import Balance
from tests.support import objects
from tests.support.world import Manifest, World

UPSTREAM = "nginx.ingress.kubernetes.io/service-upstream"
BALANCE = "nginx.ingress.kubernetes.io/load-balance"


def sliced(
    *endpoints: Manifest, suffix: str = "1", port: Any = 8080, kind: str = "IPv4", name: str = "http"
) -> Manifest:
    made = objects.endpoints("web", suffix=suffix)
    return made | {"endpoints": list(endpoints), "addressType": kind, "ports": [{"name": name, "port": port}]}


def endpoint(*addresses: str, **conditions: bool) -> Manifest:
    return {"addresses": list(addresses), "conditions": conditions}


def world(*slices: Manifest, settings: Settings | None = None, **service: Any) -> World:
    return World(settings).apply(objects.ingress(), objects.service(**service), *slices)


def test_slices_are_merged_sorted_and_without_duplicates() -> None:
    merged = world(
        sliced(endpoint("10.0.0.2"), endpoint("10.0.0.1")),
        sliced(endpoint("10.0.0.2"), endpoint("10.0.0.3"), suffix="2"),
    )
    assert merged.addresses("web") == ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]
    assert merged.reasons() == []


def test_ipv6_addresses_count_once_however_they_are_written() -> None:
    merged = world(sliced(endpoint("FD00:0::1"), endpoint("fd00::1"), kind="IPv6"))
    assert merged.addresses("web") == ["fd00::1:8080"]


@pytest.mark.parametrize("address", ["localhost", "10.0.0.256", "fd00::1%eth0", "", "1:2"])
def test_what_is_no_address_is_left_out(address: str) -> None:
    assert world(sliced(endpoint(address), endpoint("10.0.0.1"))).addresses("web") == ["10.0.0.1:8080"]


@pytest.mark.parametrize(
    ("endpoints", "used"),
    [
        ([endpoint("10.0.0.1", ready=True), endpoint("10.0.0.2", ready=False)], ["10.0.0.1"]),
        ([endpoint("10.0.0.1"), endpoint("10.0.0.2", ready=False, serving=True, terminating=True)], ["10.0.0.1"]),
        ([endpoint("10.0.0.2", ready=False, serving=True, terminating=True)], ["10.0.0.2"]),
        ([endpoint("10.0.0.2", ready=False, serving=False, terminating=True)], []),
        ([endpoint("10.0.0.2", ready=False, serving=True)], []),
        ([{"addresses": ["10.0.0.1"]}], ["10.0.0.1"]),
    ],
)
def test_ready_endpoints_are_used_and_without_any_those_that_serve_while_they_end(
    endpoints: list[Manifest], used: list[str]
) -> None:
    assert world(sliced(*endpoints)).addresses("web") == [f"{address}:8080" for address in used]


def test_an_ending_endpoint_of_one_slice_gives_way_to_a_ready_one_of_another() -> None:
    ending = sliced(endpoint("10.0.0.1", ready=False, serving=True, terminating=True))
    assert world(ending, sliced(endpoint("10.0.0.2"), suffix="2")).addresses("web") == ["10.0.0.2:8080"]


def test_a_port_is_found_by_number_and_by_name_and_the_slice_knows_the_target() -> None:
    both = world(sliced(endpoint("10.0.0.1"), port=9090))
    named = objects.ingress("named", host="named.example")
    named["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = {"name": "http"}
    both.apply(named)
    assert both.addresses("web", 80) == both.addresses("web", "http") == ["10.0.0.1:9090"]


def test_of_several_ports_each_gets_its_own_endpoints() -> None:
    ports = [{"name": "http", "port": 80}, {"name": "admin", "port": 81, "targetPort": "adm"}]
    made = sliced(endpoint("10.0.0.1"))
    made["ports"] = [{"name": "http", "port": 8080}, {"name": "admin", "port": 9999}]
    several = world(made, ports=ports).apply(objects.ingress("admin", host="admin.example", port=81))
    assert several.addresses("web", 80) == ["10.0.0.1:8080"]
    assert several.addresses("web", 81) == ["10.0.0.1:9999"]


def test_a_udp_port_is_none() -> None:
    assert world(ports=[{"port": 80, "protocol": "UDP"}]).reasons() == ["MissingPort"]


def test_a_service_that_does_not_exist_is_an_empty_record_and_reported() -> None:
    missing = World().apply(objects.ingress())
    assert missing.service("web").endpoints == ()
    (problem,) = missing.problems_of()
    assert problem.reason == "MissingService"
    assert problem.field == "spec.rules[0].http.paths[0].backend.service.name"
    assert problem.message == "Service demo/web does not exist; requests are answered 503"
    assert missing.apply(objects.service(), objects.endpoints("web", "10.0.0.1")).reasons() == []


def test_a_port_that_the_service_has_not_is_reported() -> None:
    (problem,) = World().apply(objects.ingress(port=81), objects.service()).problems_of()
    assert (problem.reason, problem.severity) == ("MissingPort", "error")
    assert problem.field.endswith("backend.service.port")


def test_no_ready_endpoint_is_a_warning() -> None:
    (problem,) = world().problems_of()
    assert (problem.reason, problem.severity) == ("NoEndpoints", "warning")


def test_slices_of_names_are_reported_and_left_out() -> None:
    (problem,) = world(sliced(endpoint("web.example"), kind="FQDN")).problems_of()
    assert problem.reason == "UnsupportedAddressType"
    assert "EndpointSlice demo/web-1" in problem.message


def test_a_slice_that_changes_hands_changes_both_services() -> None:
    both = world(sliced(endpoint("10.0.0.1"))).apply(
        objects.ingress("other", host="other.example", service="other"), objects.service("other")
    )
    moved = sliced(endpoint("10.0.0.1"))
    moved["metadata"]["labels"] = {"kubernetes.io/service-name": "other"}
    both.apply(moved)
    assert both.addresses("web") == []
    assert both.addresses("other") == ["10.0.0.1:8080"]


def test_headless_services_work_by_their_slices() -> None:
    assert world(sliced(endpoint("10.0.0.1")), clusterIP="None").addresses("web") == ["10.0.0.1:8080"]


def upstream(**service: Any) -> World:
    return World().apply(
        objects.ingress(annotations={UPSTREAM: "true"}),
        objects.service(**service),
        objects.endpoints("web", "10.1.1.1"),
        objects.ingress("by-endpoints", host="other.example"),
    )


def test_service_upstream_means_the_services_own_address() -> None:
    both = upstream(clusterIP="10.0.0.1")
    keys = {route.backends[0].key for host in ("web.example", "other.example") for route in both.host(host).routes}
    assert {key: both.endpoints[key].endpoints[0].address for key in keys} == {  # type: ignore[attr-defined]
        "demo/web:80#cluster-ip": "10.0.0.1",
        "demo/web:80": "10.1.1.1",
    }


def test_service_upstream_of_a_headless_service_is_reported() -> None:
    assert upstream(clusterIP="None").reasons() == ["NoClusterIP"]


def test_the_way_of_balancing_is_that_of_the_oldest_ingress_that_names_one() -> None:
    old = objects.ingress("old", creationTimestamp="2026-01-01T00:00:00Z")
    mid = objects.ingress("mid", creationTimestamp="2026-01-02T00:00:00Z", annotations={BALANCE: "ewma"})
    young = objects.ingress("young", creationTimestamp="2026-01-03T00:00:00Z", annotations={BALANCE: "round_robin"})
    three = World().apply(young, old, mid)
    assert three.service("web").balance is Balance.EWMA
    three.delete("Ingress", "mid")
    assert three.service("web").balance is Balance.ROUND_ROBIN


class Dns(dict[str, Resolution]):
    def look_up(self, name: str) -> Resolution | None:
        return self.get(name)


def external(dns: Dns, settings: Settings | None = None, **spec: Any) -> World:
    ports = {"ports": [{"port": 80, "targetPort": 8443}]}
    service = objects.service(type="ExternalName", **({"externalName": "Target.Example"} | ports | spec))
    return World(settings, names=dns).apply(objects.ingress(), service)


def test_an_external_name_stands_for_the_addresses_that_it_resolves_to() -> None:
    dns = Dns()
    named = external(dns)
    assert named.compiler.external_names == {"target.example"}
    assert named.reasons() == []  # nobody has answered yet
    dns["target.example"] = Resolution(("192.0.2.2", "192.0.2.1", "2001:db8::1"))
    named.compiler.name_changed("target.example")
    assert named.tell().addresses("web") == ["192.0.2.1:8443", "192.0.2.2:8443", "2001:db8::1:8443"]


def test_an_external_name_that_does_not_resolve_is_reported() -> None:
    (problem,) = external(Dns({"target.example": Resolution((), "no such name")})).problems_of()
    assert (problem.reason, problem.severity) == ("NameNotResolved", "warning")
    assert "target.example cannot be resolved (no such name); requests are answered 503" in problem.message


def test_the_last_addresses_are_used_while_it_does_not_resolve() -> None:
    named = external(Dns({"target.example": Resolution(("192.0.2.1",), "timed out")}))
    assert named.addresses("web") == ["192.0.2.1:8443"]
    assert "the last addresses that were found are used" in str(named.problems_of())


def test_a_name_with_a_dot_at_its_end_and_one_without_are_two_names_that_are_looked_up_as_they_are() -> None:
    dns = Dns({"target.example": Resolution(("192.0.2.1",)), "target.example.": Resolution(("192.0.2.2",))})
    both = external(dns).apply(
        objects.ingress("dotted", service="dotted"),
        objects.service("dotted", type="ExternalName", externalName="target.Example.", ports=[{"port": 80}]),
    )
    assert both.compiler.external_names == {"target.example", "target.example."}
    assert (both.addresses("web"), both.addresses("dotted")) == (["192.0.2.1:8443"], ["192.0.2.2:80"])
    dns["target.example."] = Resolution(("192.0.2.3",))
    both.compiler.name_changed("target.example.")
    both.tell()
    assert (both.addresses("web"), both.addresses("dotted")) == (["192.0.2.1:8443"], ["192.0.2.3:80"])
    both.apply(objects.service("dotted", type="ExternalName", externalName="target.example", ports=[{"port": 80}]))
    assert both.compiler.external_names == {"target.example"}
    assert both.addresses("dotted") == ["192.0.2.1:80"]


def test_a_dot_alone_is_no_name() -> None:
    assert external(Dns(), externalName=".").reasons() == ["ExternalNameDisabled"]


FOLDER = Settings(manifests=("manifests",))
OWN = ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1", "64:ff9b::7f00:1")
NOBODYS = ("0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "::ffff:0.0.0.0", "255.255.255.255")


@pytest.mark.parametrize("address", [*OWN, *NOBODYS])
def test_in_a_cluster_a_name_of_an_address_of_edge_itself_is_no_endpoint_and_that_is_reported(address: str) -> None:
    named = external(Dns({"target.example": Resolution((address,))}))
    assert named.service("web").endpoints == ()  # requests are answered 503
    (problem,) = named.problems_of()
    assert (problem.severity, problem.reason) == ("error", "AddressNotAllowed")
    for part in ("Service demo/web: ", "target.example resolves to ", f"{address} (", "requests are answered 503"):
        assert part in problem.message


def test_the_other_addresses_of_such_a_name_are_used() -> None:
    named = external(Dns({"target.example": Resolution(("127.0.0.1", "192.0.2.1", "::1"))}))
    assert named.addresses("web") == ["192.0.2.1:8443"]
    (problem,) = named.problems_of()
    assert (problem.severity, problem.reason) == ("warning", "AddressNotAllowed")
    assert "127.0.0.1 (loopback), ::1 (loopback), which must not be an endpoint; the other" in problem.message


def test_a_name_is_judged_each_time_it_is_resolved() -> None:
    dns = Dns({"target.example": Resolution(("192.0.2.1",))})
    named = external(dns)
    assert named.reasons() == []
    for addresses, used, reasons in [
        (("127.0.0.1",), [], ["AddressNotAllowed"]),
        (("169.254.169.254",), [], ["AddressNotAllowed"]),
        (("192.0.2.2",), ["192.0.2.2:8443"], []),
    ]:
        dns["target.example"] = Resolution(addresses)
        named.compiler.name_changed("target.example")
        assert named.tell().addresses("web") == used
        assert named.reasons() == reasons
        assert all(addresses[0] in problem.message for problem in named.problems_of())


def test_last_addresses_that_are_kept_are_judged_too() -> None:
    named = external(Dns({"target.example": Resolution(("127.0.0.1",), "timed out")}))
    assert named.addresses("web") == []
    assert sorted(named.reasons()) == ["AddressNotAllowed", "NameNotResolved"]


def test_of_many_addresses_the_message_names_a_few() -> None:
    named = external(Dns({"target.example": Resolution(tuple(f"127.0.0.{n}" for n in range(9)))}))
    assert "127.0.0.3 (loopback) and 5 more, which" in named.problems_of()[0].message


@pytest.mark.parametrize("address", OWN)
def test_manifest_files_may_name_this_machine(address: str) -> None:
    named = external(Dns({"target.example": Resolution((address,))}), FOLDER)
    assert [endpoint.address for endpoint in named.service("web").endpoints] == [address]
    assert named.reasons() == []


@pytest.mark.parametrize("address", NOBODYS)
def test_an_address_of_nobody_is_no_endpoint_anywhere(address: str) -> None:
    named = external(Dns({"target.example": Resolution((address,))}), FOLDER)
    assert (named.addresses("web"), named.reasons()) == ([], ["AddressNotAllowed"])


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:a9fe:a9fe::", "::127.0.0.1", "ff02::1", "::"])
def test_endpointslices_of_a_cluster_are_judged_where_the_api_server_does_not_look(address: str) -> None:
    sliced6 = {**objects.endpoints("web", address, "2001:db8::1"), "addressType": "IPv6"}
    cluster = World().apply(objects.ingress(), objects.service(), sliced6)
    assert cluster.addresses("web") == ["2001:db8::1:8080"]
    (problem,) = cluster.problems_of()
    assert (problem.severity, problem.reason) == ("warning", "AddressNotAllowed")
    assert address in problem.message


def test_an_external_name_takes_ports_that_the_service_does_not_list() -> None:
    dns = Dns({"target.example": Resolution(("192.0.2.1",))})
    assert external(dns, ports=[]).addresses("web") == ["192.0.2.1:80"]


def test_external_names_can_be_disabled() -> None:
    named = external(Dns(), Settings(disable_svc_external_name=True))
    assert named.reasons() == ["ExternalNameDisabled"]
    assert named.compiler.external_names == frozenset()


def test_a_name_that_nothing_stands_for_any_more_is_not_asked_for() -> None:
    named = external(Dns())
    named.apply(objects.service())
    assert named.compiler.external_names == frozenset()


def test_a_record_outlives_its_last_use_for_a_while_and_is_kept_true() -> None:
    old = world(sliced(endpoint("10.0.0.1")))
    old.apply(objects.ingress(service="next"), clock=100.0)
    assert old.route("web.example").backends[0].key == "demo/next:80"
    old.apply(sliced(endpoint("10.0.0.2")), clock=100.0 + LINGER / 2)
    assert old.addresses("web") == ["10.0.0.2:8080"]
    old.tell(clock=100.0 + LINGER)
    assert "demo/web:80" not in old.endpoints
    assert old.compiler.next_due() is None


def test_a_record_that_is_used_again_in_time_stays() -> None:
    old = world(sliced(endpoint("10.0.0.1")))
    old.apply(objects.ingress(service="next"), clock=100.0)
    old.apply(objects.ingress(), clock=105.0)
    old.tell(clock=200.0)
    assert old.addresses("web") == ["10.0.0.1:8080"]


# --- hints ------------------------------------------------------------------------------------------------------------


def hinted(address: str, *zones: str, **conditions: bool) -> Manifest:
    return endpoint(address, **conditions) | {"hints": {"forZones": [{"name": zone} for zone in zones]}}


NEAR = Settings(enable_topology_aware_routing=True, zone="west")


def test_with_hints_the_endpoints_of_our_zone_are_used() -> None:
    slices = (
        sliced(hinted("10.0.0.1", "west"), hinted("10.0.0.2", "east")),
        sliced(hinted("10.0.0.3", "east", "west"), suffix="2"),
    )
    assert world(*slices, settings=NEAR).addresses("web") == ["10.0.0.1:8080", "10.0.0.3:8080"]
    assert len(world(*slices, settings=Settings(zone="west")).addresses("web")) == 3
    assert len(world(*slices, settings=Settings(enable_topology_aware_routing=True)).addresses("web")) == 3


@pytest.mark.parametrize(
    "other",
    [endpoint("10.0.0.2"), hinted("10.0.0.2")],
    ids=["no hints", "hints for no zone"],
)
def test_hints_mean_nothing_unless_all_ready_endpoints_have_some(other: Manifest) -> None:
    assert world(sliced(hinted("10.0.0.1", "west"), other), settings=NEAR).addresses("web") == [
        "10.0.0.1:8080",
        "10.0.0.2:8080",
    ]


def test_hints_mean_nothing_to_a_zone_without_ready_endpoints() -> None:
    slices = sliced(hinted("10.0.0.1", "east"), hinted("10.0.0.2", "west", ready=False))
    assert world(slices, settings=NEAR).addresses("web") == ["10.0.0.1:8080"]


def test_the_zone_may_be_found_out_later() -> None:
    settings = Settings(enable_topology_aware_routing=True)
    made = world(sliced(hinted("10.0.0.1", "west"), hinted("10.0.0.2", "east")), settings=settings)
    assert len(made.addresses("web")) == 2
    made.compiler.zone_found("east")
    assert made.tell().addresses("web") == ["10.0.0.2:8080"]

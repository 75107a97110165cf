"""Which status of an object of the Gateway API a round passes on."""

from __future__ import annotations

from edge.control.kinds.changes import Delete, Upsert
from edge.control.kinds.objects import ObjectId
from tests.support import gateway
from tests.support.gateway import route
from tests.support.world import World, taken

NAME = ObjectId("HTTPRoute", "demo", "web")


def test_an_object_that_is_made_again_within_one_round_is_passed_on_although_it_says_the_same() -> None:
    world = World().apply(gateway.gateway_class(), gateway.gateway(), route(uid="first"))
    for change in (Delete(NAME.kind, NAME.namespace, NAME.name), Upsert(taken(route(uid="second")))):
        world.compiler.apply(change)
    found = world.compiler.compile().statuses[NAME]
    assert found is not None
    assert found.uid == "second"


def test_an_object_that_is_told_again_is_not_passed_on() -> None:
    world = World().apply(gateway.gateway_class(), gateway.gateway(), route(uid="first"))
    world.compiler.apply(Upsert(taken(route(uid="first"))))
    assert NAME not in world.compiler.compile().statuses

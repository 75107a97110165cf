"""Steps of policies as a plan holds them: functions, and objects of classes that are called without Python."""

from __future__ import annotations

import pytest

from edge.data.http import replies
from edge.data.policies import phases as phases_module
from edge.data.policies.steps import AnswerStep, EditStep, GateStep
from edge.data.routing import planner
from edge.table.policies.policy import Policy
from tests.support.play import Endpoint, Request

NAMED: list[str] = []
"""Steps that have acted."""


class Given(Policy, frozen=True, tag=True):
    """Has the steps of `STEPS`."""


STEPS: list[object] = []


class GivenSteps:
    """The module of `Given`."""

    @staticmethod
    def add(_: Given, phases: phases_module.Phases) -> None:
        for step in STEPS:
            if isinstance(step, GateStep):
                phases.gates.append(step)
            elif isinstance(step, EditStep):
                phases.edits.append(step)
            elif isinstance(step, AnswerStep):
                phases.answers.append(step)
        phases.gates.append(lambda _: NAMED.append("function"))


class Passes(GateStep):
    """Lets all requests pass."""

    def stop(self, exchange) -> replies.Reply | None:  # noqa: ARG002 - whatever is asked
        NAMED.append("gate")
        return None


class Refuses(GateStep):
    """Lets none pass."""

    def stop(self, exchange) -> replies.Reply | None:  # noqa: ARG002 - whatever is asked
        return replies.FORBIDDEN


class Fails(GateStep):
    """Has a fault."""

    def stop(self, exchange) -> replies.Reply | None:  # noqa: ARG002 - whatever is asked
        raise ValueError("a fault of ours")


class Changes(EditStep):
    """Gives the endpoint another path."""

    def edit(self, exchange) -> None:
        NAMED.append("edit")
        exchange.outgoing.target = b"/other"


class Adds(AnswerStep):
    """Adds a field."""

    def answer(self, exchange, response) -> None:  # noqa: ARG002 - whatever it is
        NAMED.append("answer")
        exchange.fields += b"X-Added: yes\r\n"


@pytest.fixture
def played(play, monkeypatch):
    """Plays a request of a route with STEPS."""
    monkeypatch.setattr(planner, "ORDER", (*planner.ORDER, (Given, GivenSteps)))

    def run(*steps: object):
        NAMED.clear()
        STEPS[:] = steps
        return play(Request(), further=(Given("test"),), endpoints=[Endpoint()])

    return run


def test_steps_of_classes_act_in_their_phase_and_in_order_with_functions(played) -> None:
    one = played(Adds(), Changes(), Passes())
    assert NAMED == ["gate", "function", "edit", "answer"]
    assert (one.status, one.asked[0].target, one.field("x-added")) == (200, "/other", "yes")


def test_a_gate_of_a_class_answers_in_place_of_what_follows(played) -> None:
    one = played(Refuses())
    assert (one.status, one.asked, NAMED) == (403, [], [])


@pytest.mark.parametrize("gate", [Fails(), GateStep()], ids=["raises", "says nothing"])
def test_a_gate_that_fails_lets_nothing_pass(played, gate: GateStep) -> None:
    one = played(gate)
    assert (one.status, one.asked, NAMED) == (500, [], [])


def test_an_edit_that_fails_sends_nothing_to_the_endpoint(played) -> None:
    assert (played(EditStep()).status, played(EditStep()).asked) == (500, [])


def test_a_step_of_a_class_can_be_called_as_a_function() -> None:
    assert Refuses()(None) is replies.FORBIDDEN
    with pytest.raises(ValueError, match="a fault of ours"):
        Fails()(None)

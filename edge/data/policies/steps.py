"""Steps of policies as a plan holds them: a step whose class is compiled is called without Python in between.

Rules of this file:
- A step is a function, or an object of a class that comes from one of these; the latter pays where it acts on every
  request of a route. Both can be called as functions, so other steps need not know.
- A gate that raises an exception has not let the request pass: nothing is caught here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import AnswerEdit, Edit, Gate


class GateStep:
    """A `Gate`."""

    def __call__(self, exchange: Exchange) -> Reply | None:
        """As a function."""
        return self.stop(exchange)

    def stop(self, exchange: Exchange) -> Reply | None:
        """The answer to the request; None: it may pass."""
        raise NotImplementedError


class EditStep:
    """An `Edit`."""

    def __call__(self, exchange: Exchange) -> None:
        """As a function."""
        self.edit(exchange)

    def edit(self, exchange: Exchange) -> None:
        """Change the request as the endpoint gets it."""
        raise NotImplementedError


class AnswerStep:
    """An `AnswerEdit`."""

    def __call__(self, exchange: Exchange, response: Message | None) -> None:
        """As a function."""
        self.answer(exchange, response)

    def answer(self, exchange: Exchange, response: Message | None) -> None:
        """Change the response."""
        raise NotImplementedError


class PlainGate(GateStep):
    """A function that is a gate."""

    def __init__(self, function: Gate) -> None:
        self._function = function

    def stop(self, exchange: Exchange) -> Reply | None:
        """As `GateStep`."""
        return self._function(exchange)


class PlainEdit(EditStep):
    """A function that is an edit of the request."""

    def __init__(self, function: Edit) -> None:
        self._function = function

    def edit(self, exchange: Exchange) -> None:
        """As `EditStep`."""
        self._function(exchange)


class PlainAnswer(AnswerStep):
    """A function that is an edit of the response."""

    def __init__(self, function: AnswerEdit) -> None:
        self._function = function

    def answer(self, exchange: Exchange, response: Message | None) -> None:
        """As `AnswerStep`."""
        self._function(exchange, response)


def gates(steps: Iterable[Gate]) -> tuple[GateStep, ...] | None:
    """STEPS as a plan holds them; None: there are none."""
    return tuple(one if isinstance(one, GateStep) else PlainGate(one) for one in steps) or None


def edits(steps: Iterable[Edit]) -> tuple[EditStep, ...] | None:
    """As `gates`, of edits of the request."""
    return tuple(one if isinstance(one, EditStep) else PlainEdit(one) for one in steps) or None


def answers(steps: Iterable[AnswerEdit]) -> tuple[AnswerStep, ...] | None:
    """As `gates`, of edits of the response."""
    return tuple(one if isinstance(one, AnswerStep) else PlainAnswer(one) for one in steps) or None

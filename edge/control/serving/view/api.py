"""Answers requests under `/api/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from edge.control.serving.reply import Reply, fault, json
from edge.control.serving.view import lists
from edge.control.serving.view.ask import Ask
from edge.control.serving.view.certificates import Certificates
from edge.control.serving.view.changes import Changes
from edge.control.serving.view.events import Events
from edge.control.serving.view.index import Index
from edge.control.serving.view.lists import QuestionError
from edge.control.serving.view.overview import Overview
from edge.control.serving.view.plain import Plain
from edge.control.serving.view.problems import Problems
from edge.control.serving.view.route import RouteView
from edge.control.serving.view.routes import Routes
from edge.control.serving.view.samples import Samples
from edge.control.serving.view.traffic import Traffic
from edge.control.serving.view.workers import Workers
from edge.table.watched import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.kinds.objects import Object, ObjectId
    from edge.control.publishing.state import State
    from edge.control.serving.health import Health
    from edge.control.serving.view.lists import Question
    from edge.table.counters import CountersReader

PREFIX: Final = "/api/"
EVENTS: Final = PREFIX + "events"
"""The path of server-sent events, which are no JSON answer."""
_ROUTE: Final = "routes/"
_MOST_FIELDS: Final = 200


class Api:
    """Answers in JSON."""

    def __init__(
        self, state: State, reader: CountersReader, health: Health, find: Callable[[ObjectId], Object | None]
    ) -> None:
        """FIND gives an object by its name."""
        self.samples = Samples(reader)
        self.problems = Problems(state)
        self.overview = Overview(state, reader, health, self.samples, self.problems)
        self._routes = Routes(state, Index(state), Traffic(reader))
        self._watch = Watch(reader.directory)
        self._route = RouteView(state, self._routes, self.problems, self._watch, find)
        changes = Changes(state.history)
        self.events = Events(self.overview, changes, self.problems)
        self.samples.taken = self._sampled
        state.listeners.append(self.events.published)
        self._plain = Plain(self._found)
        self._lists: dict[str, Callable[[Question], dict[str, Any]]] = {
            "overview": self._whole,
            "routes": self._routes.listed,
            "ask": Ask(state, self._routes).answered,
            "problems": self.problems.listed,
            "certificates": Certificates(state).listed,
            "workers": Workers(state, reader, self.samples).listed,
            "changes": changes.listed,
        }

    def start(self) -> None:
        """Begin to take samples."""
        self.samples.start()

    def stop(self) -> None:
        """Stop, and disconnect the clients of /api/events."""
        self.events.stop()
        self.samples.stop()

    def _sampled(self) -> None:
        self._watch.expire()
        self.events.sampled()

    def plain(self, path: str, query: str) -> str:
        """The view at PATH with QUERY as HTML, for browsers without scripts."""
        return self._plain.view(path, query)

    def answer(self, path: str, query: str) -> Reply:
        """The answer to a question for PATH, which begins with PREFIX, with its QUERY."""
        name = path.removeprefix(PREFIX)
        try:
            question = parse_qs(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
            found = self._found(name, question)
        except (QuestionError, ValueError) as error:
            return fault(400, str(error))
        if found is None:
            return fault(404, f"{path}: there is no such thing")
        return json(found)

    def _found(self, name: str, question: Question) -> dict[str, Any] | None:
        if name in self._lists:
            return self._lists[name](question)
        if name.startswith(_ROUTE):
            lists.known(question)
            return self._route.shown(name.removeprefix(_ROUTE))
        return None

    def _whole(self, question: Question) -> dict[str, Any]:
        lists.known(question)
        return self.overview.whole()

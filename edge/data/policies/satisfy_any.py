"""Lets a client in that passes one of the checks who it is (nginx, satisfy any)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import SatisfyAny

REFUSALS: Final = (401, 403)


def add(policy: SatisfyAny, phases: Phases) -> None:  # noqa: ARG001 - that it is there says all
    """A gate in place of those that the checks have added. Comes after them all."""
    checks = tuple(phases.checks)
    if len(checks) < 2:
        return

    def gate(exchange: Exchange) -> Reply | None:
        """The answer if none lets the client in: 401 if one of them asks for a password, which may help.

        A check that could not be made is not asked for the next one's opinion, as in nginx.
        """
        refusal: Reply | None = None
        for check, admits in checks:
            reply = check(exchange)
            if reply is None:
                if admits:
                    return None
            elif reply.status not in REFUSALS:
                return reply
            elif refusal is None or refusal.status != 401:
                refusal = reply
        return refusal

    steps = {check for check, _ in checks}
    at = phases.gates.index(checks[0][0])
    phases.gates[:] = [one for one in phases.gates if one not in steps]
    phases.gates.insert(at, gate)
    phases.checks[:] = [(gate, True)]

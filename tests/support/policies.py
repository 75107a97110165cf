"""The policies of routes, for tests."""

from __future__ import annotations

from typing import TypeVar

from edge.table.policies import HttpsRedirect
from edge.table.policies.policy import Policy
from edge.table.records import Route

P = TypeVar("P", bound=Policy)


def policy(route: Route, kind: type[P]) -> P | None:
    """The policy of this KIND that ROUTE has."""
    found = [one for one in route.policies if isinstance(one, kind)]
    assert len(found) <= 1
    return found[0] if found else None


def redirected(route: Route) -> int:
    """The status with which ROUTE redirects to https; 0: it does not."""
    found = policy(route, HttpsRedirect)
    return found.status if found is not None else 0

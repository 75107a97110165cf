"""Progressive delivery under load: no request is lost while weights and endpoints change."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Site
from tests.support import objects
from tests.support.annotated import annotated
from tests.support.edge import Edge, write
from tests.support.load import Load, Responder
from tests.support.waiting import eventually


class Rollout:
    """An application `app` as Flagger lays it out: `app-primary` is behind its Ingress, `app-canary` behind the canary.

    MAIN: annotations of the main Ingress.
    """

    def __init__(self, site: Site, **main: str) -> None:
        self.site = site
        self._main = annotated(**main)
        write(
            site.folder,
            "services.yaml",
            *(objects.service(name, target="http") for name in ("app-primary", "app-canary")),
        )
        self._ingress("app", "app-primary", self._main)

    def weigh(self, weight: int, **further: str) -> None:
        """The canary gets so much of a hundred."""
        rules = annotated(canary="true", canary_weight=str(weight), **further)
        self._ingress("app-canary", "app-canary", {**self._main, **rules})

    def end(self) -> None:
        """The canary Ingress is deleted."""
        (self.site.folder / "app-canary.yaml").unlink()

    def _ingress(self, name: str, service: str, annotations: dict[str, str]) -> None:
        write(self.site.folder, f"{name}.yaml", objects.ingress(name, service=service, annotations=annotations))


def answering(edge: Edge, **rest: Any) -> set[str | None]:
    return {edge.get("/", **rest).get("x-backend") for _ in range(20)}


def test_a_rollout_by_weights_and_its_promotion(site: Site) -> None:
    """Flagger's way: the weight grows, the primary is replaced, the weight falls, the canary is scaled down."""
    rollout = Rollout(site)
    with Responder("old") as old, Responder("new") as new, Responder("promoted") as promoted:
        site.endpoints("app-primary", old)
        site.endpoints("app-canary")
        rollout.weigh(0)
        with Edge(site.folder, workers=2) as edge:
            eventually(lambda: edge.get("/").status == 200)
            with Load(edge.http) as load:
                load.more(300)
                site.endpoints("app-canary", new)
                for weight in (10, 50, 100):
                    rollout.weigh(weight)
                    load.more(300)
                eventually(lambda: answering(edge) == {"new"})
                site.endpoints("app-primary", old, promoted)
                load.more(300)
                site.endpoints("app-primary", promoted)
                load.more(300)
                rollout.weigh(0)
                eventually(lambda: answering(edge) == {"promoted"})
                site.endpoints("app-canary")
                load.more(300)
                result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}
    assert result.backends.keys() == {"old", "new", "promoted"}


def test_a_rollout_that_begins_and_ends_with_its_ingress(site: Site) -> None:
    """Argo Rollouts' way: the canary Ingress comes, is edited, and is deleted; canary pods go before their Ingress."""
    rollout = Rollout(site)
    with Responder("old") as old, Responder("new") as new:
        site.endpoints("app-primary", old)
        site.endpoints("app-canary", new)
        with Edge(site.folder, workers=2) as edge:
            eventually(lambda: edge.get("/").status == 200)
            with Load(edge.http) as load:
                load.more(300)
                rollout.weigh(100)
                eventually(lambda: answering(edge) == {"new"})
                site.endpoints("app-canary")
                eventually(lambda: answering(edge) == {"old"})
                site.endpoints("app-canary", new)
                eventually(lambda: answering(edge) == {"new"})
                rollout.end()
                eventually(lambda: answering(edge) == {"old"})
                load.more(300)
                result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}


def test_metrics_tell_the_canary_apart(site: Site) -> None:
    """By the queries that Flagger makes for an Ingress of nginx."""
    rollout = Rollout(site)
    with Responder("old") as old, Responder("new") as new:
        site.endpoints("app-primary", old)
        site.endpoints("app-canary", new)
        rollout.weigh(0, canary_by_header="X-Canary")
        with Edge(site.folder) as edge:
            eventually(lambda: edge.get("/").status == 200)
            edge.get("/", fields=[("X-Canary", "always")])

            def counted(canary: str) -> bool:
                labels = (f'canary="{canary}"', 'ingress="app"', 'service="app-primary"', 'status="200"')
                lines = edge.admin_get("/metrics").body.decode().splitlines()
                name = "nginx_ingress_controller_requests{"
                return any(line.startswith(name) and all(one in line for one in labels) for line in lines)

            eventually(lambda: counted("") and counted("demo-app-canary-80"))

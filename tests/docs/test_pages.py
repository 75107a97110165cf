"""What docs/ says is what the code does, as far as a program can check."""

import json
import re
import runpy
import textwrap
import tomllib

import kubernetes_validate
import pytest
import yaml

from edge.control.kinds.gateway import GROUP
from edge.control.kinds.registry import DEFINITIONS
from edge.control.kinds.route_filters_validation import OTHER_FILTERS
from edge.control.sources.cluster.source import WATCHED
from edge.control.translate.annotations import policies
from edge.control.translate.annotations.defaults import FLAGS
from edge.control.translate.annotations.names import INGRESS_NGINX
from edge.control.translate.annotations.values import PREFIX
from edge.control.translate.gateway import filters, matches
from edge.data.observe.formats import Named
from edge.data.policies import ORDER
from edge.data.policies.phases import Phases
from edge.table.records import Backend, Owner
from tests.support.edge import Edge
from tests.support.rendering import FILES, KUBERNETES, ROOT
from tests.support.waiting import eventually
from tests.test_architecture import FLOORS

PAGES = sorted((ROOT / "docs").glob("*.md"))
ANCHOR = re.compile(r"[^a-z0-9 _-]")


def anchors(text):
    """The anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {ANCHOR.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_settings_are_documented_from_their_definitions():
    generated = runpy.run_path(str(ROOT / "tools/configuration.py"))["text"]()
    assert (ROOT / "docs/configuration.md").read_text() == generated, "run `python tools/configuration.py`"


def test_the_policies_are_documented_from_their_lists():
    generated = runpy.run_path(str(ROOT / "tools/policies.py"))["text"]()
    assert (ROOT / "docs/policies.md").read_text() == generated, "run `python tools/policies.py`"


def test_the_features_of_the_gateway_api_are_documented_from_their_list():
    generated = runpy.run_path(str(ROOT / "tools/gateway_api.py"))["text"]()
    assert (ROOT / "docs/gateway-api.md").read_text() == generated, "run `python tools/gateway_api.py`"


def test_every_phase_of_the_code_is_one_of_the_page():
    """All other attributes of `Phases` are values that the exchange reads."""
    phases = vars(Phases(None, Named(Owner(), Backend(), None, "", "/")))
    steps = {name for name, value in phases.items() if isinstance(value, list | bytes)}
    named = set(runpy.run_path(str(ROOT / "tools/policies.py"))["PHASES"])
    assert named >= steps
    assert all(hasattr(Phases, name) or name in phases for name in named - steps)


def test_every_policy_of_the_page_has_its_phase_and_its_annotations():
    text = (ROOT / "docs/policies.md").read_text()
    rows = re.findall(r"^\| `([A-Z]\w+)` \| ([a-z, ]+) \| \S.* \|$", text, re.MULTILINE)
    assert [name for name, _ in rows] == [record.__name__ for record, _ in ORDER]
    named = set(re.findall(r"`([a-z0-9-]+)`", text))
    assert named >= {name for unit in policies.UNITS for name in unit.NAMES}
    assert named >= set(FLAGS)


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md"), ROOT / "bench/RESULTS.md"], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(found.read_text()), f"{page.name}: {target}"


def test_every_alert_has_its_section_in_the_runbook():
    groups = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    known = anchors((ROOT / "docs/operations.md").read_text())
    for rule in [rule for group in groups for rule in group["rules"]]:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/operations.md"
        assert anchor == rule["alert"].lower()
        assert anchor in known


def test_the_migration_guide_lists_every_annotation():
    tool = runpy.run_path(str(ROOT / "tools/migration.py"))
    text = (ROOT / "docs/migration.md").read_text()
    table = text.partition(tool["BEGIN"])[2].partition(tool["END"])[0]
    named = re.findall(r"`([a-z0-9-]+)`", "\n".join(line.split(" | ")[0] for line in table.splitlines()))
    assert sorted(named) == sorted(INGRESS_NGINX)
    assert tool["text"](text) == text, "make docs"
    assert PREFIX in text


def test_every_field_of_the_json_access_log_is_documented():
    with Edge(None, "--log-format=json", command="proxy") as edge:
        edge.get("/")
        line = eventually(lambda: edge.output.partition("\n")[0])
    text = (ROOT / "docs/access-log.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    assert documented == set(json.loads(line))


def names_of_files(text):
    """Names of source files that stand in backticks."""
    return set(re.findall(r"`([\w./-]+\.(?:pyx?|pxd))`", text))


def test_the_architecture_names_modules_that_there_are():
    """Below `edge` or the root, by the end of their path."""
    known = ["/" + str(path.relative_to(ROOT)) for place in ("edge", "tests") for path in (ROOT / place).rglob("*.p*")]
    for name in names_of_files((ROOT / "docs/architecture.md").read_text()):
        assert any(path.endswith("/" + name) for path in known), name


def test_the_architecture_names_every_compiled_leaf():
    text = (ROOT / "docs/architecture.md").read_text()
    named = {name.rpartition("/")[2] for name in names_of_files(text) if name.endswith(".pyx")}
    assert named == {path.name for path in (ROOT / "edge").rglob("*.pyx")}


@pytest.mark.parametrize("side", FLOORS)
def test_the_architecture_shows_the_floors_that_are_enforced(side):
    section = (ROOT / "docs/architecture.md").read_text().partition(f"\n### {side.replace('.', '/')}\n")[2]
    rows = [line.split("|")[1] for line in section.partition("\n#")[0].splitlines() if line.startswith("| `")]
    assert tuple(tuple(re.findall(r"`([\w.]+)`", row)) for row in rows) == FLOORS[side]


def test_the_vocabulary_names_files_that_there_are():
    text = (ROOT / "docs/vocabulary.md").read_text()
    assert len(text.splitlines()) <= 80
    places = re.findall(r"\| `([\w./{},]+)` \|$", text, re.MULTILINE)
    assert len(places) > 30
    for place in places:
        stem, brace, names = place.partition("{")
        alternatives, _, end = names.partition("}")
        for name in alternatives.split(",") if brace else ("",):
            assert (ROOT / "edge" / (stem + name + end)).exists(), place


def test_the_architecture_gives_a_reason_for_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = {re.match(r"[\w-]+", one)[0] for one in project["dependencies"]}
    section = (ROOT / "docs/architecture.md").read_text().partition("## Dependencies")[2]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| ")][1:]
    assert packages <= {name.strip() for name, reason in rows if reason.strip()}
    assert {name.strip() for name, _ in rows} - packages == {"Cython (build only)", "opentelemetry (extra)"}


def is_module(path):
    return any(path.with_suffix(suffix).exists() for suffix in (".py", ".pyx"))


def test_source_names_files_and_modules_that_there_are():
    """What a docstring or comment refers to by a path, or by a dotted name of the package."""
    for path in [path for kind in ("*.py", "*.pyx") for path in (ROOT / "edge").rglob(kind)]:
        text = path.read_text()
        for name in re.findall(r"\b((?:tests|docs|edge)/[\w/]+\.(?:pyx?|md))\b", text):
            assert (ROOT / name).exists(), f"{path.name}: {name}"
        for dotted in re.findall(r"`(edge(?:\.\w+)+)", text):
            named = ROOT.joinpath(*dotted.split("."))
            package = named.parent / "__init__.py"  # which may define a name itself, or list it in __all__
            assert (
                named.is_dir()
                or is_module(named)
                or is_module(named.parent)
                or (package.exists() and re.search(rf'^(    ")?{named.name}\b', package.read_text(), re.MULTILINE))
            ), f"{path.name}: {dotted}"


BLOCK = re.compile(r"(?:^ {4}.*\n|^\n)+", re.MULTILINE)


def manifests():
    """The Kubernetes objects that the runbook shows."""
    for block in BLOCK.findall((ROOT / "docs/operations.md").read_text()):
        if "apiVersion:" in block:
            yield yaml.safe_load(textwrap.dedent(block.strip("\n")))


def test_the_autoscalers_of_the_runbook_are_ones_that_kubernetes_takes():
    shown = {one["kind"]: one for one in manifests()}
    kubernetes_validate.validate(shown["HorizontalPodAutoscaler"], KUBERNETES, strict=True)
    for trigger in shown["ScaledObject"]["spec"]["triggers"]:
        assert trigger.keys() <= {"type", "metadata", "metricType"}
        assert trigger["metadata"].keys() == {"serverAddress", "query", "threshold"}


def test_the_runbook_speaks_of_metrics_that_there_are():
    named = set(re.findall(r"\bedge_[a-z_]+", (ROOT / "docs/operations.md").read_text())) - {"edge_requests_per_second"}
    known = set(re.findall(r"`(edge_[a-z_]+)`", (ROOT / "docs/metrics.md").read_text()))
    assert named <= known


def test_the_runbook_runs_programs_that_are_in_the_image():
    """There is a shell, Edge and nothing that Debian does not always have."""
    commands = re.findall(r"kubectl exec \S+ -c proxy -- (\w+)", (ROOT / "docs/operations.md").read_text())
    assert set(commands) == {"edge", "sh"}


def test_the_page_of_the_gateway_api_lists_what_is_supported():
    text = (ROOT / "docs/gateway-api.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| yes \| (yes|no) \|$", text, re.MULTILINE))
    assert rows == {unit.TYPE: "yes" if unit.OF_BACKENDS else "no" for unit in filters.UNITS}
    for kind in OTHER_FILTERS:
        assert f"`{kind}`" in text
    paths = re.search(r"^\| path \| (.+) \|$", text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", paths[1])) == set(matches.KINDS)
    kinds = re.findall(r"^\| (\w+) \| gateway\.networking", text, re.MULTILINE)
    known = [kind for kind, one in DEFINITIONS.items() if one.struct.api_version.startswith(GROUP)]
    assert sorted(kinds) == sorted(known)


def test_all_objects_of_the_gateway_api_are_read_from_a_cluster_too():
    read = {kind for kind, one in DEFINITIONS.items() if one.struct.api_version.startswith(GROUP)}
    assert {kind.name for kind in WATCHED if kind.custom} == read

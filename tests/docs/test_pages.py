"""What docs/ says is what the code does, as far as a machine can tell."""

import json
import re
import runpy

import pytest
import yaml

from edge.control.translate.annotations import policies
from edge.control.translate.annotations.names import INGRESS_NGINX
from edge.control.translate.annotations.values import PREFIX
from tests.support.edge import Edge
from tests.support.rendering import ROOT
from tests.support.waiting import eventually

PAGES = sorted((ROOT / "docs").glob("*.md"))
ANCHOR = re.compile(r"[^a-z0-9 _-]")


def anchors(text):
    """The anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {ANCHOR.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_settings_are_documented_from_their_definitions():
    generated = runpy.run_path(str(ROOT / "tools/configuration.py"))["text"]()
    assert (ROOT / "docs/configuration.md").read_text() == generated, "run `python tools/configuration.py`"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
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
    groups = yaml.safe_load((ROOT / "grafana/alerts.yaml").read_text())["groups"]
    known = anchors((ROOT / "docs/operations.md").read_text())
    for rule in [rule for group in groups for rule in group["rules"]]:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/operations.md"
        assert anchor == rule["alert"].lower()
        assert anchor in known


def test_the_migration_guide_tells_of_every_annotation_what_becomes_of_it():
    text = (ROOT / "docs/migration.md").read_text()
    works, _, rest = text.partition("## Annotations that are ignored")
    named = set(re.findall(r"`([a-z0-9-]+)`", works))
    assert named >= policies.SUPPORTED, sorted(policies.SUPPORTED - named)
    ignored = set(re.findall(r"`([a-z0-9-]+)`", rest.partition("\n## ")[0]))
    assert ignored == INGRESS_NGINX - policies.SUPPORTED
    assert PREFIX in text


def test_every_field_of_the_json_access_log_is_documented():
    with Edge(None, "--log-format=json", command="proxy") as edge:
        edge.get("/")
        line = eventually(lambda: edge.output.partition("\n")[0])
    text = (ROOT / "docs/access-log.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
    assert documented == set(json.loads(line))

"""The report in its forms: text for people, JSON and JUnit's XML for pipelines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from edge.control.check.support import SORTS
from edge.control.kinds.problems import Severity
from edge.control.translate.annotations.catalogue import Support
from edge.table import describing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.check.checked import Checked, Verdict
    from edge.control.check.support import Usage


def lines(form: str, checked: Checked, usage: Usage) -> Iterator[str]:
    """The report on what was CHECKED, and on the USAGE of annotations, keys and flags, in FORM."""
    if form == "json":
        yield json.dumps(document(checked, usage), indent=2, ensure_ascii=False)
    elif form == "junit":
        yield _junit(checked)
    else:
        yield from checked.lines()
        yield from _usage(usage)
        yield checked.summary()


def _usage(usage: Usage) -> Iterator[str]:
    """A table for each sort of names; empty: all are honoured without a difference."""
    for sort, title in SORTS.items():
        used = usage.used(sort)
        if not used:
            continue
        counts = [f"{sum(one.support is support for one in used)} {support.value}" for support in Support]
        yield f"{title}: {', '.join(count for count in counts if not count.startswith('0 '))}"
        reported = [one for one in used if one.support is not Support.HONOURED]
        rows = [(one.name, f"({len(one.places)})", one.support.value, one.remark) for one in reported]
        yield from describing.columns(rows, "  ")
        yield ""


def document(checked: Checked, usage: Usage) -> dict[str, Any]:
    """The report as JSON has it."""
    return {
        "objects": [_object(one) for one in checked.objects()],
        **{
            title: [
                {"name": one.name, "support": one.support.value, "remark": one.remark, "in": one.places}
                for one in usage.used(sort)
            ]
            for sort, title in (("annotation", "annotations"), ("key", "keys"), ("flag", "flags"), ("value", "values"))
        },
        "errors": checked.severities[Severity.ERROR],
        "warnings": checked.severities[Severity.WARNING],
        "summary": checked.summary(),
    }


def _object(one: Verdict) -> dict[str, Any]:
    return {
        "kind": one.owner.kind,
        "namespace": one.owner.namespace,
        "name": one.owner.name,
        "place": one.place,
        "served": one.served,
        "problems": [
            {
                "severity": str(problem.severity),
                "reason": problem.reason,
                "field": problem.field,
                "message": problem.message,
            }
            for problem in one.problems
        ],
    }


def _junit(checked: Checked) -> str:
    """A test case for each object: it fails by its errors, and warnings are its output."""
    objects = list(checked.objects())
    suite = ElementTree.Element("testsuite", name="edge check", tests=str(len(objects)))
    failures = 0
    for one in objects:
        case = ElementTree.SubElement(suite, "testcase", classname=one.owner.kind, name=str(one.owner))
        if one.place:
            case.set("file", one.place)
        errors = [str(problem) for problem in one.problems if problem.severity is Severity.ERROR]
        warnings = [str(problem) for problem in one.problems if problem.severity is Severity.WARNING]
        if errors:
            failures += 1
            ElementTree.SubElement(case, "failure", message=errors[0]).text = "\n".join(errors)
        if warnings:
            ElementTree.SubElement(case, "system-out").text = "\n".join(warnings)
    suite.set("failures", str(failures))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)

"""Writes docs/configuration.md from the settings, as `--help` does: python tools/configuration.py (make docs)."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from edge import options
from edge.cli import COMMANDS
from edge.settings import SECTIONS

TARGET = Path(__file__).parents[1] / "docs/configuration.md"
HEAD = """\
# Configuration

Made from the settings by `tools/configuration.py`; `edge COMMAND --help` says the same.

A setting is a flag or an environment variable, and the flag wins. A flag without a value is a switch: `--hsts` or
`--no-hsts`; its variable takes `true` or `false`. A flag that may be repeated takes a comma-separated list in its
variable. An empty variable counts as unset, and one that begins with `EDGE_` but is no setting is warned of at start.
Times are seconds, with fractions where that makes sense; sizes are bytes.

In a cluster, settings are the variables of a ConfigMap: `controller.extraArgs` of the Helm chart, or the
`configMapGenerator` of `deploy/`. Where ingress-nginx has a flag or a key for the same thing, its name is used.

## Commands

| command | what it does |
|---|---|
"""


def text() -> str:
    """The whole page."""
    lines = [HEAD + "".join(f"| `edge {name}` | {summary} |\n" for name, summary in COMMANDS.items())]
    lines.append("\n`edge COMMAND --help` lists the settings that a command takes.\n")
    for title, section in SECTIONS.items():
        lines.append(f"\n## {title}\n\n| setting | default | commands | |\n|---|---|---|---|\n")
        lines += [_row(field) for field in fields(section)]
    return "".join(lines)


def _row(field: options.Field) -> str:
    value = field.metadata["placeholder"] or "\\|".join(field.metadata["choices"])
    value = value.replace("auto|N", "auto\\|N")
    flag = options.flag(field) + (f" {value}" if value and not isinstance(field.default, bool) else "")
    names = f"`{flag}`<br>`{options.variable(field)}`"
    default = options.default_text(field)
    help_text = field.metadata["help"].replace("|", "\\|")
    several = " May be repeated." if isinstance(field.default, tuple) else ""
    commands = ", ".join(field.metadata["commands"])
    return f"| {names} | {f'`{default}`' if default else ''} | {commands} | {help_text}{several} |\n"


if __name__ == "__main__":
    TARGET.write_text(text())

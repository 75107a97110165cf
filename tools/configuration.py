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

A setting is a flag or an environment variable. A flag overrides a variable, and a [key of
`--configmap`](migration.md#the-configmap) overrides both.

- A flag without a value is a switch: `--hsts` or `--no-hsts`. Its variable takes `true` or `false`.
- If a flag may be repeated, its variable takes a comma-separated list.
- An empty variable counts as unset. Edge warns at start of a variable that begins with `EDGE_` and is no setting.
- Times are seconds, with fractions where that makes sense. BYTES is a number, SIZE may end in k, m or g.

In a cluster, `controller.extraArgs` of the Helm chart has the settings, or the `configMapGenerator` of `deploy/`. If
ingress-nginx has a flag or a key for the same thing, the setting has its name.

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

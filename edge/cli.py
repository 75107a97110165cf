"""The command `edge`: reads flags and environment, and hands over to the module that does the work.

Exit status: 0 success; 1 it could not start or continue (an address in use, for instance), or `edge check` found an
error; 2 the command line, the environment, a directory or the build of a checkout is not usable; 3 no worker could
start; 4 the control plane cannot continue, but a new one may; 128 + N: the proxy was killed by signal N.
"""

from __future__ import annotations

import argparse
import difflib
import faulthandler
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from edge import __version__, command_line, commands, options
from edge.system import directories

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BUILT_IN_PLACE = Path(__file__).with_name("compiled.json")
"""Only a source checkout has it: what its compiled modules were made from."""

COMMANDS = {
    "run": "start everything: launcher, control plane and proxy as one process tree",
    "control": "the control plane alone: publish the routing table into --shm-dir",
    "proxy": "the proxy alone: serve the routing table in --shm-dir",
    "check": "read manifests or a cluster and print the routes that they yield and every problem",
    "routes": "print the routing table of a running instance as its workers see it",
    "top": "show the traffic of a running instance in the terminal, as its admin port has it",
}


class Parser(argparse.ArgumentParser):
    """Reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Print MESSAGE and how to get the help text."""
        self.exit(commands.USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ARGUMENTS (default: of this process) and give the exit status."""
    _have_standard_streams()
    faulthandler.enable()
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = given[0] if given and given[0] in COMMANDS else ""
    environment: Mapping[str, str] = os.environ
    try:
        if command:
            translated = command_line.translated(command, given[1:], environment)
            given, environment = [command, *translated.arguments], translated.environment
            for warning in translated.warnings:
                print(f"edge {command}: warning: {warning}", file=sys.stderr)
        parsed, unknown = parser().parse_known_args(given)
        namespace = vars(parsed)
        command = namespace.pop("command")
        if unknown:
            raise options.OptionError(_unrecognized(command, unknown))
        _check_build()
        return {"check": _check, "routes": _routes, "top": _top}.get(command, _serve)(command, namespace, environment)
    except commands.COMPLAINTS as error:
        return commands.complain(command, error)
    except KeyboardInterrupt:  # before anything has come to handle it
        return 128 + signal.SIGINT
    except BrokenPipeError:  # `edge routes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _unrecognized(command: str, arguments: Sequence[str]) -> str:
    """The message about ARGUMENTS that COMMAND does not have."""
    flags = [options.flag(one) for one in options.of_command(command)]
    near = difflib.get_close_matches(arguments[0].partition("=")[0], flags, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unrecognized arguments: {' '.join(arguments)}{hint} (see edge {command} --help)"


def _check_build() -> None:
    """Refuse to start from a checkout whose compiled modules are out of date."""
    if _BUILT_IN_PLACE.exists():
        complaint = importlib.import_module("edge.system.compiled").complaint()
        if complaint:
            raise options.OptionError(complaint)


def _have_standard_streams() -> None:
    """Open the descriptors 0 to 2 if they are closed: logs would be written to a socket that got one of these
    numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def parser() -> Parser:
    """The whole command line."""
    top = Parser(
        prog="edge",
        description="A Kubernetes ingress controller around a routing table in shared memory.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"edge {__version__}")
    added = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        epilog = "Every flag may also be given by the environment variable in [brackets]; the flag wins."
        sub = added.add_parser(
            name, help=summary, description=summary.capitalize() + ".", epilog=epilog, allow_abbrev=False
        )
        if name == "check":
            sub.add_argument(
                "paths",
                nargs="*",
                metavar="PATH",
                help="a manifest, a folder of them, or values of ingress-nginx's chart (none: --kubeconfig)",
            )
            sub.add_argument("--json", dest="form", action="store_const", const="json", help="print one JSON document")
            sub.add_argument("--junit", dest="form", action="store_const", const="junit", help="print JUnit's XML")
        if name == "routes":
            sub.add_argument("--json", action="store_true", help="print one JSON document instead of text")
        if name == "top":
            sub.add_argument("--once", action="store_true", help="print it once, as without a terminal")
        if name in ("check", "routes"):
            text = "show only which route takes a request for this host and path, and why others do not"
            sub.add_argument("--explain", nargs=2, metavar=("HOST", "PATH"), help=text)
        options.add_arguments(sub, name)
    return top


def _serve(command: str, namespace: dict[str, Any], environment: Mapping[str, str]) -> int:
    settings = options.resolve(command, namespace, environment)
    for warning in options.misspelt(environment):
        print(f"edge {command}: warning: {warning}", file=sys.stderr)
    if command != "run" and not settings.shm_dir:
        raise options.OptionError("--shm-dir is required here; `edge run` is the command that makes one by itself")
    return commands.run(command, settings)


def _check(_command: str, namespace: dict[str, Any], environment: Mapping[str, str]) -> int:
    paths = [Path(path) for path in namespace.pop("paths")]
    for path in paths:
        if not path.exists():
            raise options.OptionError(f"{path}: no such file or folder")
    form, explain = namespace.pop("form") or "text", namespace.pop("explain") or ()
    settings = options.resolve("check", namespace, environment)
    if not paths and not (settings.kubeconfig or settings.apiserver_host):
        raise options.OptionError("name a PATH, or the cluster to read by --kubeconfig")
    return int(importlib.import_module("edge.control.check").run(paths, settings, form=form, explain=explain))


def _routes(_command: str, namespace: dict[str, Any], environment: Mapping[str, str]) -> int:
    settings = options.resolve("routes", namespace, environment)
    directory = settings.table_directory if settings.shm_dir else _only_running()
    if not directory.is_dir():
        raise directories.DirectoryError(f"--shm-dir {directory}: no such directory")
    explain = namespace["explain"] or ()
    return int(importlib.import_module("edge.table.show").run(directory, as_json=namespace["json"], explain=explain))


def _top(_command: str, namespace: dict[str, Any], environment: Mapping[str, str]) -> int:
    settings = options.resolve("top", namespace, environment)
    return int(importlib.import_module("edge.top").run(settings, once=namespace["once"]))


def _only_running() -> Path:
    found = directories.running()
    if len(found) == 1:
        return found[0]
    if not found:
        raise options.OptionError("no instance is running here as this user; name its directory with --shm-dir")
    raise options.OptionError(f"several instances are running; choose by --shm-dir: {' '.join(map(str, found))}")

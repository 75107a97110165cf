"""Performs the stages of the Dockerfile in directories: debootstrap is the base image, chroot is RUN.

Rules of this file: every instruction is done or refused; a RUN sees its own mount and process namespace, the
environment that the Dockerfile built so far, and of this machine only what downloading needs (`download_settings`).
Needs root (mounts, chroot) and the Debian package debootstrap.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dockerfile import Instruction, Stage, UnknownInstructionError, parse, substitute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOWNLOAD_VARIABLES = re.compile(r"PIP_.*|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|.*_proxy", re.IGNORECASE)
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class StepError(Exception):
    """A step of the Dockerfile failed; the message ends with what it printed."""


@dataclass
class Image:
    """A finished stage: its root and what a container started from it gets."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": DEFAULT_PATH})
    labels: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    directory: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    stop_signal: str = "SIGTERM"

    def path(self, inside: str) -> Path:
        """Where INSIDE, relative to the working directory, lies on this machine."""
        return self.root / (PurePosixPath(self.directory) / inside).relative_to("/")


class Builder:
    """Builds the stages of one Dockerfile in WORK, from the files in CONTEXT that .dockerignore lets through."""

    def __init__(self, context: Path, work: Path, report: Callable[[str], None]) -> None:
        self.context = context
        self.work = work
        self.report = report
        self.images: dict[str, Image] = {}

    def build(self) -> Image:
        """Perform all stages; the image of the last one."""
        arguments, stages = parse((self.context / "Dockerfile").read_text())
        self.work.mkdir(parents=True, exist_ok=True)
        for number, stage in enumerate(stages):
            image = Image(self._fresh_root(stage, f"stage{number}"))
            variables = dict(arguments)
            for instruction in stage.instructions:
                self.report(f"{stage.name}: line {instruction.line}: {instruction.name} {instruction.text[:90]}")
                getattr(self, f"_do_{instruction.name.lower()}")(image, instruction, variables)
            self.images[stage.name] = image
        return image

    def _fresh_root(self, stage: Stage, name: str) -> Path:
        suite = re.fullmatch(r"debian:(\w+)-slim", stage.base)
        if suite is None:
            raise UnknownInstructionError(f"FROM {stage.base}: only debian:SUITE-slim can be made here")
        base = self.work / f"base-{suite[1]}"
        if not base.exists():
            self.report(f"debootstrap {suite[1]}")
            unfinished = base.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            command = ["debootstrap", "--variant=minbase", suite[1], str(unfinished)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            unfinished.rename(base)
        root = self.work / name
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
        return root

    # --- one method per instruction ---------------------------------------------------------------------------------

    def _do_arg(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        for name, default in instruction.pairs():
            variables[name] = variables.get(name) or default

    def _do_env(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        known = variables | image.environment
        image.environment.update((name, substitute(value, known)) for name, value in instruction.pairs())

    def _do_label(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        known = variables | image.environment
        image.labels.update((name, substitute(value, known)) for name, value in instruction.pairs())

    def _do_workdir(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        image.directory = str(PurePosixPath(image.directory) / instruction.text)
        image.path(".").mkdir(parents=True, exist_ok=True)

    def _do_user(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        image.user = instruction.text

    def _do_expose(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        image.ports += map(int, instruction.words())

    def _do_stopsignal(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        image.stop_signal = instruction.text

    def _do_entrypoint(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        image.entrypoint = instruction.words()

    def _do_cmd(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        image.command = instruction.words()

    def _do_healthcheck(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        text = instruction.text.removeprefix("CMD").strip()
        image.healthcheck = Instruction(instruction.line, "CMD", {}, text).words()

    def _do_copy(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        *sources, target = instruction.words()
        for source in sources:
            if "from" in instruction.flags:
                found = [(self.images[instruction.flags["from"]].path(source), "")]
            else:
                found = [(self.context / path, path) for path in context_files(self.context, source)]
            if not found:
                raise FileNotFoundError(f"line {instruction.line}: COPY {source}: nothing in the context")
            for origin, path in found:
                inside = PurePosixPath(path).relative_to(source) if path else PurePosixPath()
                into_folder = inside == PurePosixPath() and target.endswith("/")
                whole = f"{target}{PurePosixPath(source).name}" if into_folder else target
                _copy(origin, image.path(whole) / inside)

    def _do_run(self, image: Image, instruction: Instruction, variables: dict[str, str]) -> None:
        environment, shown = image.environment | variables, list[Path]()
        if "pip" in instruction.text:
            settings, shown = download_settings()
            environment = settings | environment
        setup = ["set -e", f"cd {shlex.quote(str(image.root))}", "mount -t proc proc proc", "mount --rbind /dev dev"]
        for path in [Path("/etc/resolv.conf"), *shown]:
            inside = shlex.quote(str(path).lstrip("/"))
            make = f"mkdir -p {inside}" if path.is_dir() else f"mkdir -p $(dirname {inside}) && touch {inside}"
            setup += [make, f"mount --bind -o ro {shlex.quote(str(path.resolve()))} {inside}"]
        script = f"cd {shlex.quote(image.directory)} && {instruction.text}"
        setup.append(f"exec chroot . /bin/sh -e -c {shlex.quote(script)}")
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", "\n".join(setup)],
            env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if done.returncode:
            raise StepError(f"line {instruction.line}: RUN ended with status {done.returncode}:\n{done.stdout[-4000:]}")


def download_settings() -> tuple[dict[str, str], list[Path]]:
    """Environment and files by which this machine downloads packages: pip's settings, proxies, authorities.

    A build machine behind a proxy or a mirror gives a container engine the same by build arguments and secrets.
    """
    environment = {name: value for name, value in os.environ.items() if DOWNLOAD_VARIABLES.fullmatch(name)}
    listed = subprocess.run(["pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    named = re.findall(r"(?<![\w/])/[\w./-]+", "\n".join([listed, *environment.values()]))
    for name, value in re.findall(r"^(?:global|install|user)\.([\w-]+)='(.*)'$", listed, re.MULTILINE):
        environment.setdefault(f"PIP_{name.upper().replace('-', '_')}", value)
    named += re.findall(r"file://(/[\w./-]+)", listed)
    paths = {Path(path.removesuffix("/simple")) for path in named}  # an index links to files beside it
    found = {path for path in paths if path.exists() and path != Path("/")}
    return environment, sorted(path for path in found if found.isdisjoint(path.parents))  # the outermost show the rest


def context_files(context: Path, source: str) -> list[str]:
    """Files of the build context at SOURCE, relative to CONTEXT, without those that .dockerignore excludes."""
    rules = [_rule(line) for line in (context / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    start = context / source
    found = start.rglob("*") if start.is_dir() else iter([start])
    names = (path.relative_to(context).as_posix() for path in found if path.is_file())
    return sorted(name for name in names if not _ignored(name, rules))


def _rule(line: str) -> tuple[bool, re.Pattern[str]]:
    excluded, pattern = not line.startswith("!"), line.removeprefix("!").strip("/")
    expression = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
    return excluded, re.compile(expression + "(/.*)?")


def _ignored(name: str, rules: list[tuple[bool, re.Pattern[str]]]) -> bool:
    verdicts: Iterator[bool] = (excluded for excluded, pattern in reversed(rules) if pattern.fullmatch(name))
    return next(verdicts, False)


def _copy(origin: Path, target: Path) -> None:
    """As COPY does: modes and times kept, everything owned by root."""
    if not origin.exists():
        raise FileNotFoundError(f"COPY: {origin} does not exist")
    if target.is_dir() and origin.is_file():
        target /= origin.name
    target.parent.mkdir(parents=True, exist_ok=True)
    recursive = ["-T"] if origin.is_dir() else []
    subprocess.run(["cp", "-a", *recursive, str(origin), str(target)], check=True)
    subprocess.run(["chown", "-R", "-h", "0:0", str(target)], check=True)

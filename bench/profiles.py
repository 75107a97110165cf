"""Callgrind's profiles, read: instructions by function and by phase of a request.

A helper (an allocation, a copy, a call into the interpreter) belongs to the phase of the function that calls it. So the
cost of each function that has no phase of its own is handed up to its callers, in proportion to what they caused.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 40
"""Callers that a cost is handed up through, at most."""
PHASES = {
    "wait": r"greenlet|corecext|gevent|_scheduler|_waiter|wait_read|wait_write|wake_|_on_readable|_on_writable|sweep|"
    r"take_gil|drop_gil|PyGILState|PyEval_(Save|Restore)",
    "account": r"_lines|_format|_log\b|Handler__account|_counters|Series|_outcome|access_log",
    "read": r"Stream_(fill|_tls_read|usable|park|readable|drained)|Buffer_reserve|OpenSslTls_read",
    "parse": r"_head|_fields_.*(parse|store|append|unmask|get)|_names|_message|look_up",
    "match": r"router|host_plans|_planner|reader|_words|_paths|table",
    "choose": r"balancer|target|upstream_4pool|chooser|_policies|affinity|_networks|cors|rewrite",
    "write": r"_writing|Stream_(send|flush|put|room|write|_release|offer|_tls_write)|_fields_.*copy|OpenSslTls_write",
    "relay": r"_body|_content|calls|handler|exchange|upstream|connections|Http1",
    "tls": r"libssl|libcrypto|_tls|handshake|client_hello|contexts",
    "accept": r"listener|_accept|spread|caller|Opening",
}
"""For each phase what its functions and their modules are called; the first that fits."""
REST = "rest"


@dataclass
class Profile:
    """What a process has executed."""

    own: Counter[str] = field(default_factory=Counter)
    """Instructions of each function itself."""
    calls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """For each function what its callers have caused in it, callees included."""

    @property
    def total(self) -> int:
        """All instructions."""
        return sum(self.own.values())


def read(path: Path) -> Profile:
    """The profile in the file PATH (Callgrind Format Specification)."""
    found, names, objects = Profile(), {}, {}
    here = there = library = called = ""
    is_call = False

    def known(table: dict[str, str], text: str) -> str:
        number, _, name = text.partition(" ")
        if name:
            table[number] = name
        return table[number]

    def function(text: str, within: str) -> str:
        number, _, name = text.partition(" ")
        if name:
            plain = re.sub(r"'[0-9]+$", "", name)  # without the depth of a recursion
            names[number] = f"{plain} [{within.rpartition('/')[2].partition('.')[0]}]"
        return names[number]

    with path.open(errors="replace") as lines:
        for line in lines:
            kind, _, rest = line.rstrip("\n").partition("=")
            if kind == "ob":
                library = called = known(objects, rest)
            elif kind == "cob":
                called = known(objects, rest)
            elif kind == "fn":
                here = function(rest, library)
                called = library
            elif kind == "cfn":
                there = function(rest, called)
            elif kind == "calls":
                is_call = True
            elif here and line[:1] in "0123456789+-*" and line.strip():
                cost = int(line.split()[1])
                if is_call:
                    found.calls[there][here] += cost
                    called = library
                else:
                    found.own[here] += cost
                is_call = False
    return found


def phase(name: str) -> str:
    """The phase of the function NAME; empty: that of its callers."""
    return next((one for one, pattern in PHASES.items() if re.search(pattern, name)), "")


def by_phase(profile: Profile) -> Counter[str]:
    """Instructions of each phase."""
    found: Counter[str] = Counter()
    owner = {name: phase(name) for name in {*profile.own, *profile.calls}}
    loose = dict(profile.own)
    for _ in range(ROUNDS):
        above: Counter[str] = Counter()
        for name, cost in loose.items():
            callers = {one: share for one, share in profile.calls.get(name, {}).items() if one != name}
            whole = sum(callers.values())
            if owner.get(name):
                found[owner[name]] += cost
            elif not whole:
                found[REST] += cost
            else:
                for one, share in callers.items():
                    above[one] += cost * share / whole  # type: ignore[assignment]  # fractions are fine
        loose = dict(above)
    found[REST] += sum(loose.values())
    return found

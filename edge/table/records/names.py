"""Names of hosts as keys: scopes and wildcards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def scoped(scope: str, host: str) -> str:
    """The key of HOST in SCOPE; without a scope it is the host itself."""
    return f"{scope}|{host}" if scope else host


def is_scoped(key: str) -> bool:
    """Whether a KEY that `scoped` has made has a scope."""
    return "|" in key


def host_of(key: str) -> str:
    """The host in a KEY that `scoped` has made."""
    return key.rpartition("|")[2]


def port_in(scope: str) -> int:
    """The port of the listeners with this SCOPE: the port that clients see, even if a Service forwards it to another
    one."""
    return int(scope.rpartition(":")[2].partition("/")[0])


def hosts_over(name: str) -> Iterator[str]:
    """The names of records that may take requests for the host NAME, the most specific first."""
    yield name
    wildcard = wildcard_of(name)
    if wildcard:
        yield wildcard
    domain = name
    while wildcard and (domain := domain.partition(".")[2]):
        yield f"**.{domain}"
    if name:
        yield ""


def wildcard_of(host: str) -> str:
    """The wildcard that stands for HOST with one label more, such as `*.example.com`; empty: none does.

    The one rule for records of hosts and of server names alike (Kubernetes docs, Ingress, "Hostname wildcards").
    """
    label, _, domain = host.partition(".")
    return f"*.{domain}" if domain and label not in ("", "*") else ""

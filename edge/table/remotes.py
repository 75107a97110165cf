"""Hosts that URLs of users name: authentication servers, mirrors. Their endpoints stand beside those of Services."""

from __future__ import annotations


def remote_key(host: str, port: int) -> str:
    """Key of the `ServicePort` record of HOST, a name or an address without brackets, in the endpoints part.

    No key of a Service begins with a slash.
    """
    return f"//{host}:{port}"


def remote_of(key: str) -> tuple[str, int]:
    """The host and the port of which KEY is the key."""
    host, _, port = key.removeprefix("//").rpartition(":")
    return host, int(port)

"""Logs: the format of the access log, the requests with a line, and the destination of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from edge.control.kinds.names import subdomain_fault
from edge.control.translate.configmap.forms import BOOLEAN, TEXT, Form, choice, integer
from edge.control.translate.configmap.keys import group, without_effect, workers
from edge.table import networks, templates, variables
from edge.table.access_logging import AccessLogging, Escape
from edge.table.patterns.matching import PatternError, compile_pattern

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Found, Key

LEVELS: Final = {
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "warn": "warning",
    **dict.fromkeys(("error", "crit", "alert", "emerg"), "error"),
}
"""nginx's levels, and those of `--log-level`."""
STANDARD: Final = frozenset({"/var/log/nginx/access.log", "/dev/stdout", "/proc/self/fd/1"})
"""Paths that lead to standard output in ingress-nginx's image."""
UNIX: Final = "unix:"


def _path(text: str) -> str | None:
    return text if text.startswith("/") and text.isprintable() else None


def _server(text: str) -> str | None:
    if text.startswith(UNIX):
        return text if _path(text[len(UNIX) :]) else None
    if ":" not in text:
        return text if not subdomain_fault(text.lower().removesuffix(".")) else None
    try:
        networks.parse(text)
    except networks.NetworkError:
        return None
    return f"[{text}]" if "/" not in text else None


def _of_streams(text: str) -> str | None:
    try:
        templates.parse(text, variables.STREAM)
    except templates.TemplateError:
        return None
    return text


STREAM_FORMAT: Final = Form(
    "a text with the variables " + ", ".join(f"${name}" for name in sorted(variables.STREAM)), _of_streams
)
PATH: Final = Form("the absolute path of a file", _path)
SERVER: Final = Form("the name or address of a host, or unix: and a path", _server)
KEYS: Final[tuple[Key, ...]] = (
    group(
        "log-format-upstream",
        TEXT,
        "Without it `--log-format` holds. A line break in it is a blank. Variables of modules that Edge does not have,"
        " such as `$geoip_city`, have no value.",
    ),
    group("log-format-escape-json", BOOLEAN, "What is not UTF-8 is escaped too, so that a line is always JSON."),
    group(
        "log-format-escape-none", BOOLEAN, "Control characters are still escaped, so that no client can forge a line."
    ),
    group("disable-access-log", BOOLEAN),
    group("disable-http-access-log", BOOLEAN),
    group("disable-stream-access-log", BOOLEAN),
    workers("log-format-stream", STREAM_FORMAT),
    group("skip-access-log-urls", TEXT),
    group(
        "enable-access-log-for-default-backend",
        BOOLEAN,
        "Without `--configmap` requests that no Ingress takes are logged.",
    ),
    group(
        "access-log-path",
        PATH,
        "Paths of standard output in ingress-nginx's image mean standard output here. SIGUSR1 reopens the file.",
    ),
    group("http-access-log-path", PATH, "As `access-log-path`, over which it takes precedence."),
    group("enable-syslog", BOOLEAN, "Lines are sent by RFC 5424; the messages of Edge itself stay on standard error."),
    group("syslog-host", SERVER, "May be `unix:` and the path of a socket."),
    group("syslog-port", integer(1, 65535)),
    workers("error-log-level", choice(LEVELS), "log_level", "Of workers; the control plane has that of `--log-level`."),
    *without_effect(
        "The file of the access log is written at once, without a buffer that could be configured.", "access-log-params"
    ),
    *without_effect("Lines of streams go where those of requests go.", "stream-access-log-path"),
    *without_effect("Messages go to standard error, where the container's runtime takes them.", "error-log-path"),
    *without_effect("Requests to an authentication server have no line.", "enable-auth-access-log"),
)


def parameters(found: Found) -> dict[str, Any]:
    """The field of `Parameters` for the access log."""
    given = AccessLogging(
        on=not (found.get("disable-access-log") or found.get("disable-http-access-log")),
        streams=not (found.get("disable-access-log") or found.get("disable-stream-access-log")),
        format=_format(found),
        escape=_escape(found),
        skipped=_skipped(found),
        unmatched=found.get("enable-access-log-for-default-backend", False),
        path=_file(found),
        syslog=_syslog(found),
    )
    return {"access_logging": given} if given != AccessLogging() else {}


def _format(found: Found) -> str:
    name = "log-format-upstream"
    text: str = found.get(name, "")
    try:
        templates.parse(text, variables.LOG)
    except templates.TemplateError as fault:
        found.report(name, f"{fault}; the default format holds")
        return ""
    return text


def _escape(found: Found) -> Escape:
    if found.get("log-format-escape-none"):
        return Escape.NONE
    return Escape.JSON if found.get("log-format-escape-json") else Escape.DEFAULT


def _skipped(found: Found) -> tuple[str, ...]:
    """The targets and patterns of requests without a line, except those that cannot be read."""
    name = "skip-access-log-urls"
    kept = []
    for text in (one.strip() for one in found.get(name, "").split(",")):
        try:
            if text.startswith("~"):
                compile_pattern(text.lstrip("~").removeprefix("*"), anchored=False)
        except PatternError as fault:
            found.report(name, f'"{text}": {fault}; requests that it is to match are logged')
            continue
        if text:
            kept.append(text)
    return tuple(kept)


def _file(found: Found) -> str:
    path: str = found.get("http-access-log-path") or found.get("access-log-path", "")
    return "" if path in STANDARD else path


def _syslog(found: Found) -> str:
    if not found.get("enable-syslog"):
        return ""
    host: str = found.get("syslog-host", "")
    if not host:
        found.report("enable-syslog", "syslog-host does not say where; lines go where they went before")
        return ""
    return host if host.startswith(UNIX) else f"{host}:{found.get('syslog-port', 514)}"

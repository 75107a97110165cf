"""The flags of ingress-nginx's controller: which are settings of Edge, which stand for others, which have no effect.

Rules of this file:
- No flag of ingress-nginx 1.15 is an unknown option. One that has no effect is reported with the reason.
- Flags are spelled as Go programs take them: `--flag=value`, `--flag value`, a switch also as `--flag=false`, words
  joined by `-` or `_`. The variables `EDGE_...` of these flags mean the same, because the chart passes on values so.
- A flag with the name of a setting is that setting. `RENAMED` has flags for which settings have other names.

Source: kubernetes/ingress-nginx 1.15, pkg/flags/flags.go and docs/user-guide/cli-arguments.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GEOIP: Final = "Edge has no GeoIP."
_BUCKETS: Final = "Workers count in the default buckets of Prometheus."
_NATIVE: Final = "There are no native histograms."
_NO_NGINX: Final = "There is no nginx process."
_LOGS: Final = "Logs go to standard error; see `--log-level` and `--log-format`."
_PROFILER: Final = "There is no profiler over HTTP."

IGNORED: Final = {
    "bucket-factor": _NATIVE,
    "default-server-port": "Workers answer requests that no Ingress takes themselves, without a port for it.",
    "disable-full-test": "The webhook never renders a configuration; it asks the compiler, which knows all Ingresses.",
    "dynamic-configuration-retries": "Workers read the table from shared memory, which needs no retry.",
    "enable-annotation-validation": "Annotations are always validated: values never become configuration as text.",
    "enable-ssl-chain-completion": "Edge fetches no certificates. Put the whole chain into the Secret.",
    "health-check-timeout": "A probe is answered from memory, and has its own timeout.",
    "internal-logger-address": _NO_NGINX,
    "length-buckets": _BUCKETS,
    "max-buckets": _NATIVE,
    "maxmind-edition-ids": _GEOIP,
    "maxmind-license-key": _GEOIP,
    "maxmind-mirror": _GEOIP,
    "maxmind-retries-count": _GEOIP,
    "maxmind-retries-timeout": _GEOIP,
    "metrics-per-undefined-host": "The label `host` is that of the rule, so requests below a wildcard always count.",
    "monitor-max-batch-size": "Workers count in shared memory; no batches are sent.",
    "post-shutdown-grace-period": "Edge exits when the last request has ended. `--shutdown-grace` is the limit.",
    "profiler-address": _PROFILER,
    "profiler-port": _PROFILER,
    "profiling": _PROFILER,
    "size-buckets": _BUCKETS,
    "ssl-passthrough-proxy-port": "TLS that is passed on needs no port of its own.",
    "status-port": _NO_NGINX,
    "status-update-interval": "The status of an Ingress is written when it changes, and is not polled.",
    "stream-port": _NO_NGINX,
    "sync-period": "There is no store to repopulate: all changes are watched, and a watch that ends is restarted.",
    "sync-rate-limit": "A change is published at once; of a burst at most 20 tables a second.",
    "time-buckets": _BUCKETS,
    **dict.fromkeys(
        (
            "add-dir-header",
            "alsologtostderr",
            "log-backtrace-at",
            "log-dir",
            "log-file",
            "log-file-max-size",
            "logtostderr",
            "one-output",
            "skip-headers",
            "skip-log-headers",
            "stderrthreshold",
            "vmodule",
        ),
        _LOGS,
    ),
}
"""Flags without effect, and why; a setting of the same name takes precedence."""

_HONOURED_NAMES: Final = """
annotations-prefix apiserver-host certificate-authority configmap controller-class deep-inspect default-backend-service
default-ssl-certificate disable-catch-all disable-svc-external-name disable-sync-events election-id enable-metrics
enable-topology-aware-routing exclude-socket-metrics health-check-path ingress-class ingress-class-by-name
kubeconfig metrics-per-host publish-service publish-status-address report-node-internal-ip-address
report-status-classes tcp-services-configmap update-status update-status-on-shutdown udp-services-configmap
validating-webhook validating-webhook-certificate validating-webhook-key watch-ingress-without-class
watch-namespace watch-namespace-selector
"""
HONOURED: Final = frozenset(_HONOURED_NAMES.split())
"""Flags that are settings of the same name."""

DIFFERENCES: Final = {
    "controller-class": "The default is that of Edge. With `k8s.io/ingress-nginx` it takes over.",
    "deep-inspect": "The webhook inspects. Existing objects are served, because no value becomes configuration.",
    "default-backend-service": "A Service without endpoints is answered 503.",
    "disable-sync-events": "An Ingress has one such Event, not one for each change.",
    "election-id": "The default is `edge-ingress-leader`.",
    "enable-metrics": "The default is on.",
    "enable-topology-aware-routing": (
        "The zone is that of the pod's node, or `--zone`. Hints count when all ready endpoints of a Service port have"
        " some and the zone has one, as with kube-proxy."
    ),
    "exclude-socket-metrics": "The prefix may be left out.",
    "health-check-path": "Is answered on the traffic ports, too.",
    "ingress-class": "The default is `edge`. With `nginx` it takes over.",
    "update-status-on-shutdown": "Only the last instance removes the addresses.",
    "validating-webhook": "Executes and writes nothing: see [the webhook](#the-webhook).",
}
"""What a user of ingress-nginx must know of flags that are honoured."""

_SWITCH_NAMES: Final = """
add-dir-header alsologtostderr disable-full-test disable-leader-election
enable-annotation-validation enable-ssl-chain-completion enable-ssl-passthrough logtostderr
metrics-per-undefined-host one-output profiling skip-headers skip-log-headers
"""
_SWITCHES: Final = frozenset(_SWITCH_NAMES.split())
"""Flags of IGNORED and RENAMED that take a value only after `=`."""
_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ms|s|m|h))+")
_PART: Final = re.compile(r"([0-9.]+)(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_METRICS: Final = "nginx_ingress_controller_"
_DEBUG: Final = 3
"""The least verbosity (`-v`) that is for debugging according to ingress-nginx."""

Values = dict[str, list[str]]
"""Settings, by the names of their fields, as text."""


class FlagError(ValueError):
    """A flag has a value that is not valid; the message is one line for the user."""


class Renamed(NamedTuple):
    """A flag for which settings have other names: the settings for its value, and a remark for the docs."""

    read: Callable[[str], Values]
    remark: str


def truth(text: str) -> bool:
    """The value of a switch as a Go program reads it.

    Raises:
        FlagError: nothing.
    """
    if text.lower() in ("1", "t", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "f", "false", "no", "off"):
        return False
    raise FlagError("must be true or false")


def seconds(text: str) -> float:
    """A duration of Go (`1m30s`) or a number of seconds.

    Raises:
        FlagError: it is neither.
    """
    if _DURATION.fullmatch(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        return float(text)
    except ValueError:
        raise FlagError("must be a duration such as 30s or 1m30s") from None


def _port(text: str) -> str:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise FlagError("must be a port")
    return text


def _listener(setting: str) -> Callable[[str], Values]:
    return lambda text: {setting: [f"0.0.0.0:{_port(text)}", f"[::]:{_port(text)}"]}


def _verbosity(text: str) -> Values:
    if not text.isdigit():
        raise FlagError("must be a whole number")
    return {"log_level": ["debug" if int(text) >= _DEBUG else "info"]}


def _admin(values: Mapping[str, str]) -> Values:
    """The address that two flags are about."""
    host, port = values.get("healthz-host", ""), values.get("healthz-port", "10254")
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return {"admin": [f"{bracketed or '0.0.0.0'}:{_port(port)}"]}


RENAMED: Final = {
    "disable-leader-election": Renamed(
        lambda text: {"update_status": ["false"], "events": ["false"]} if truth(text) else {},
        "Is `--no-update-status --no-events`: without an election nothing is written to the cluster.",
    ),
    "election-ttl": Renamed(lambda text: {"election_ttl": [f"{seconds(text)!r}"]}, "The default is 15s."),
    "exclude-socket-metrics": Renamed(
        lambda text: {"exclude_socket_metrics": [one.strip().removeprefix(_METRICS) for one in text.split(",")]}, ""
    ),
    "healthz-host": Renamed(lambda _: {}, "Is the address in `--admin`."),
    "healthz-port": Renamed(lambda _: {}, "Is the port in `--admin`."),
    "http-port": Renamed(_listener("http"), "Is `--http=0.0.0.0:PORT --http=[::]:PORT`; the default is 8080."),
    "https-port": Renamed(_listener("https"), "Is `--https=0.0.0.0:PORT --https=[::]:PORT`; the default is 8443."),
    "shutdown-grace-period": Renamed(lambda text: {"pre_stop_delay": [f"{seconds(text)!r}"]}, "Is `--pre-stop-delay`."),
    "v": Renamed(_verbosity, "From 3 on it is `--log-level=debug`."),
}
NAMES: Final = frozenset(IGNORED) | HONOURED | frozenset(RENAMED) | {"version"}
"""All flags."""


def switches(settings: Mapping[str, Any]) -> frozenset[str]:
    """The flags that are switches, given the defaults of SETTINGS."""
    return _SWITCHES | {name.replace("_", "-") for name, default in settings.items() if isinstance(default, bool)}


def renamed(values: Mapping[str, str]) -> Values:
    """The settings for the flags VALUES, all of them of `RENAMED`.

    Raises:
        FlagError: a value is not valid.
    """
    found: Values = {}
    for name, text in values.items():
        try:
            found |= RENAMED[name].read(text)
        except FlagError as error:
            raise FlagError(f"--{name} {text!r}: {error}") from None
    if "healthz-host" in values or "healthz-port" in values:
        found |= _admin(values)
    return found

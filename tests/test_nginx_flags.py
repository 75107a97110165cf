"""The flags of ingress-nginx: each is taken, under its name and in Go's spelling."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import NoReturn

import pytest

from edge import nginx_flags, options
from edge.command_line import translated
from edge.nginx_flags import HONOURED, IGNORED, NAMES, RENAMED
from edge.options import OptionError
from edge.settings import Settings

SETTINGS = {options.flag(field)[2:] for field in options.FIELDS.values()}
VALUES = {
    "annotations-prefix": "example.com",
    "apiserver-host": "http://127.0.0.1:1",
    "default-backend-service": "demo/web",
    "default-ssl-certificate": "demo/tls",
    "disable-leader-election": "true",
    "election-ttl": "30s",
    "health-check-path": "/health",
    "healthz-host": "127.0.0.1",
    "publish-service": "demo/web",
    "exclude-socket-metrics": "nginx_ingress_controller_request_size,requests",
    "configmap": "demo/settings",
    "tcp-services-configmap": "demo/tcp",
    "udp-services-configmap": "demo/udp",
    "validating-webhook": ":9443",
    "watch-namespace": "demo",
}
"""Values for those that do not take just any."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(message)


def parse(command: str, *flags: str, **environment: str) -> Settings:
    """The settings that COMMAND has by FLAGS and ENVIRONMENT (without the prefix)."""
    given = translated(command, flags, {"EDGE_" + name: value for name, value in environment.items()})
    parser = Parser(allow_abbrev=False)
    options.add_arguments(parser, command)
    return options.resolve(command, vars(parser.parse_args(given.arguments)), given.environment)


def warnings(command: str, *flags: str, **environment: str) -> list[str]:
    return translated(command, flags, {"EDGE_" + name: value for name, value in environment.items()}).warnings


def value(name: str) -> str:
    boolean = name in nginx_flags.switches({one.name: one.default for one in options.FIELDS.values()})
    return VALUES.get(name, "true" if boolean else "8088")


@pytest.mark.parametrize("command", ["run", "control", "proxy", "check"])
@pytest.mark.parametrize("name", sorted(NAMES - {"version"}))
def test_no_flag_is_an_unknown_option(command: str, name: str) -> None:
    """Of the ones that the controller of ingress-nginx has, on any command that takes settings."""
    dashes = "-" if len(name) == 1 else "--"
    parse(command, f"{dashes}{name}={value(name)}")
    parse(command, **{name.upper().replace("-", "_"): value(name)})


@pytest.mark.parametrize("name", sorted(HONOURED | set(RENAMED)))
def test_a_flag_that_is_honoured_changes_a_setting_without_a_warning(name: str) -> None:
    dashes = "-" if len(name) == 1 else "--"
    field = options.FIELDS.get(name.replace("-", "_"))
    text = value(name)
    if field is not None and isinstance(field.default, bool):
        text = str(not field.default).lower()
    given = f"{dashes}{name}={'4' if name == 'v' else '8088' if name.endswith('-port') else text}"
    assert parse("run", given) != Settings(), given
    assert warnings("run", given) == []


@pytest.mark.parametrize("name", sorted(set(IGNORED) - SETTINGS))
def test_a_flag_without_effect_says_why(name: str) -> None:
    given = f"--{name}={value(name)}"
    assert parse("run", given) == Settings()
    assert warnings("run", given) == [f"--{name} has no effect: {IGNORED[name]}"]
    variable = name.upper().replace("-", "_")
    assert warnings("run", **{variable: "1"}) == [f"environment: EDGE_{variable} has no effect: {IGNORED[name]}"]


def test_each_flag_is_accounted_for_once() -> None:
    assert not HONOURED & set(IGNORED)
    assert HONOURED <= SETTINGS
    assert set(nginx_flags.DIFFERENCES) <= HONOURED


def test_go_spells_switches_with_a_value_after_the_equals_sign() -> None:
    for text in ("true", "1", "T"):
        assert parse("run", f"--disable-svc-external-name={text}").disable_svc_external_name
    for text in ("false", "0", "F"):
        assert not parse("run", f"--hsts={text}").hsts
    assert parse("run", "--watch-ingress-without-class", "--http=127.0.0.1:1").watch_ingress_without_class


def test_a_value_may_follow_its_flag_and_words_may_be_joined_by_underscores() -> None:
    found = parse(
        "run", "--v", "5", "--time-buckets", "1,2", "--watch_namespace", "demo", "--profiling", "--hsts=false"
    )
    assert (found.log_level, found.watch_namespace, found.hsts) == ("debug", "demo", False)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--hsts=maybe"], "--hsts 'maybe': must be true or false"),
        (["--http-port=http"], "--http-port 'http': must be a port"),
        (["--election-ttl=soon"], "--election-ttl 'soon': must be a duration such as 30s or 1m30s"),
        (["-v=much"], "--v 'much': must be a whole number"),
        (["--annotations-prefix=a/b"], "--annotations-prefix 'a/b': must be a DNS name"),
        (["--no-such-flag"], "unrecognized arguments: --no-such-flag"),
    ],
)
def test_a_value_that_cannot_be_is_a_mistake_of_one_line(flags: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=f"^{message}"):
        parse("run", *flags)


def test_ports_are_addresses_of_both_families() -> None:
    found = parse("run", "--http-port=80", "--https-port", "443")
    assert found.http == ("0.0.0.0:80", "[::]:80")
    assert found.https == ("0.0.0.0:443", "[::]:443")
    assert parse("run", HTTP_PORT="80").http == ("0.0.0.0:80", "[::]:80")


def test_the_admin_address_is_put_together_of_two_flags() -> None:
    assert parse("run", "--healthz-port=8088").admin == "0.0.0.0:8088"
    assert parse("run", "--healthz-host=::1", "--healthz-port=8088").admin == "[::1]:8088"
    assert parse("run", "--healthz-host=127.0.0.1").admin == "127.0.0.1:10254"


def test_the_setting_itself_goes_before_what_another_flag_says_of_it() -> None:
    assert parse("run", "--shutdown-grace-period=5").pre_stop_delay == 5
    assert parse("run", "--pre-stop-delay=7", "--shutdown-grace-period=5").pre_stop_delay == 7
    assert parse("run", SHUTDOWN_GRACE_PERIOD="5", PRE_STOP_DELAY="7").pre_stop_delay == 7


def test_without_an_election_nothing_is_written_to_the_cluster() -> None:
    found = parse("run", "--disable-leader-election")
    assert not found.update_status
    assert not found.events


def test_durations_are_those_of_go() -> None:
    assert parse("run", "--election-ttl=1m30s").election_ttl == 90
    assert parse("run", ELECTION_TTL="45s").election_ttl == 45


def test_metrics_are_left_out_by_their_full_names_too() -> None:
    full = "nginx_ingress_controller_"
    found = parse(
        "run", f"--exclude-socket-metrics={full}request_size,{full}bytes_sent", "--exclude-socket-metrics=requests"
    )
    assert found.exclude_socket_metrics == ("request_size", "bytes_sent", "requests")


def test_a_metric_that_there_is_not_is_left_out_without_an_error() -> None:
    assert parse("run", "--exclude-socket-metrics=upstream_latency").exclude_socket_metrics == ("upstream_latency",)


def test_a_flag_of_the_other_process_is_passed_over_with_a_warning() -> None:
    assert warnings("proxy", "--publish-service=a/b") == ["--publish-service has no effect on `edge proxy`"]


def test_warnings_go_to_standard_error() -> None:
    command = [sys.executable, "-m", "edge", "check", "--profiling", "/no/such"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    assert done.stderr.startswith("edge check: warning: --profiling has no effect: There is no profiler")

"""Settings from the command line and the environment, and back."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import options
from edge.data.http._fields import Limits
from edge.options import FIELDS, OptionError
from edge.settings import SECTIONS, Settings

COMMANDS = ("run", "control", "proxy", "check", "routes", "top")


def parse(command: str, *flags: str, **environment: str) -> Settings:
    """The settings that COMMAND has by FLAGS and ENVIRONMENT (without the prefix)."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    options.add_arguments(parser, command)
    variables = {"EDGE_" + name: value for name, value in environment.items()}
    return options.resolve(command, vars(parser.parse_args(flags)), variables)


def test_without_flags_and_variables_the_defaults_hold() -> None:
    """Nothing given: nothing changed."""
    for command in COMMANDS:
        assert parse(command) == Settings()


def test_a_flag_wins_over_its_variable_and_that_over_the_default() -> None:
    """For a text, a number, a switch and a list."""
    variables = {"INGRESS_CLASS": "b", "KEEP_ALIVE": "5", "ACCESS_LOG": "no", "HTTP": "127.0.0.1:1,127.0.0.1:2"}
    by_variable = parse("run", **variables)
    assert (by_variable.ingress_class, by_variable.keep_alive, by_variable.access_log) == ("b", 5.0, False)
    assert by_variable.http == ("127.0.0.1:1", "127.0.0.1:2")
    flags = ("--ingress-class=a", "--keep-alive=7.5", "--access-log", "--http=127.0.0.1:3")
    by_flag = parse("run", *flags, **variables)
    assert (by_flag.ingress_class, by_flag.keep_alive, by_flag.access_log) == ("a", 7.5, True)
    assert by_flag.http == ("127.0.0.1:3",)


def test_a_flag_of_a_list_may_be_repeated_and_replaces_the_default() -> None:
    """Each occurrence adds to the list; spaces round the commas of a variable mean nothing."""
    assert parse("run", "--http=127.0.0.1:1", "--http=[::1]:2").http == ("127.0.0.1:1", "[::1]:2")
    assert parse("run", HTTP=" 127.0.0.1:1 , [::1]:2 ,").http == ("127.0.0.1:1", "[::1]:2")


@pytest.mark.parametrize("text", ["", "  ", ",", " , "])
def test_an_empty_variable_counts_as_unset(text: str) -> None:
    """As a container's template leaves it when there is no value."""
    assert parse("run", HTTP=text).http == Settings().http
    assert parse("run", PUBLISH_SERVICE=text.replace(",", "")) == Settings()


@pytest.mark.parametrize("word", ["1", "true", "YES", "on", "0", "False", "no", "OFF"])
def test_switches_take_the_usual_words(word: str) -> None:
    """In either case of letters."""
    assert parse("run", HSTS=word).hsts is (word.lower() in ("1", "true", "yes", "on"))


REFUSED = [
    ("--keep-alive=soon", "--keep-alive 'soon': must be a number"),
    ("--keep-alive=-1", "--keep-alive '-1': must be 0 or more"),
    ("--keep-alive=nan", "--keep-alive 'nan': must be 0 or more"),
    ("--keep-alive=inf", "--keep-alive 'inf': must be 0 or more"),
    ("--max-headers=1.5", "--max-headers '1.5': must be a whole number"),
    ("--workers=0", "--workers '0': must be auto or a number from 1 to 9999"),
    ("--workers=many", "--workers 'many': must be auto or a number from 1 to 9999"),
    ("--workers=10000", "--workers '10000': must be auto or a number from 1 to 9999"),
    ("--max-headers=0", "--max-headers '0': must be 1 or more"),
    ("--max-header-size=99999", "--max-header-size '99999': must be between 1 and 61440"),
    ("--max-response-header-size=0", "--max-response-header-size '0': must be between 1 and 61440"),
    ("--client-header-timeout=0", "--client-header-timeout '0': must be 0.001 or more"),
    ("--ingress-class=--", "--ingress-class: must not be --"),
    ("--publish-status-address=--", "--publish-status-address: must not be --"),
    ("--workers=--", "--workers: must not be --"),
    ("--workers=", "--workers '': must not be empty"),
    *[
        (
            f"--health-check-path={path}",
            f"--health-check-path '{path}': must be a path that begins with / and has no query",
        )
        for path in ("healthz", "/a?b", "/a#b", "/a b", "/\xe9", "http://a.example/")
    ],
    ("--proxy-protocol-header-timeout=0", "--proxy-protocol-header-timeout '0': must be 0.001 or more"),
    ("--log-format=xml", "--log-format 'xml': must be one of text, json"),
    ("--default-ssl-certificate=tls", "--default-ssl-certificate 'tls': must be NAMESPACE/NAME"),
    ("--publish-service=a/b/c", "--publish-service 'a/b/c': must be NAMESPACE/NAME"),
    ("--watch-namespace=a,b", "--watch-namespace 'a,b': must be the name of one namespace"),
    ("--election-namespace=Edge", "--election-namespace 'Edge': must be the name of one namespace"),
    ("--manifests=/no/such/folder", "--manifests: /no/such/folder: no such file or folder"),
    ("--manifests=", "--manifests: must not be empty"),
    ("--http=", "--http: must not be empty"),
    ("--http=8080", "--http: '8080' is not ADDR:PORT, [V6ADDR]:PORT or :PORT"),
    ("--admin=", "--admin '': must not be empty"),
    (
        "--proxy-real-ip-cidr=10.0.0.0/33",
        "--proxy-real-ip-cidr: '10.0.0.0/33' is not an address block such as 10.0.0.0/8",
    ),
]


@pytest.mark.parametrize(("argument", "message"), REFUSED)
def test_a_value_that_cannot_be_is_refused_by_name(argument: str, message: str) -> None:
    """The message names the flag, the value and what it must be; for a variable it names the variable."""
    with pytest.raises(OptionError) as refusal:
        parse("run", argument)
    assert str(refusal.value) == message


@pytest.mark.parametrize("size", ["1", "61440"])
def test_every_size_of_a_head_that_is_taken_is_one_that_workers_take(size: str) -> None:
    """They would fail one after another otherwise."""
    settings = parse("proxy", f"--max-header-size={size}", f"--max-response-header-size={size}")
    assert Limits(head=settings.max_header_size)
    assert Limits(head=settings.max_response_header_size)


def test_a_variable_that_cannot_be_is_refused_by_its_own_name() -> None:
    """Not by that of the flag, which the user has not written."""
    with pytest.raises(OptionError, match=r"^EDGE_WORKERS 'some': must be auto"):
        parse("run", WORKERS="some")
    with pytest.raises(OptionError, match=r"^EDGE_HSTS 'perhaps': must be true or false$"):
        parse("run", HSTS="perhaps")


def test_an_address_is_listened_on_once() -> None:
    """Two listeners at one address are a mistake, also when one of them is spelt as every address."""
    with pytest.raises(OptionError, match=r"^--https 127.0.0.1:80: already taken by --http$"):
        parse("run", "--http=127.0.0.1:80", "--https=127.0.0.1:80")
    with pytest.raises(OptionError, match=r"^--admin 0.0.0.0:9000: already taken by --http$"):
        parse("run", "--http=:9000", "--admin=0.0.0.0:9000")
    assert parse("run", "--http=127.0.0.1:0", "--https=127.0.0.1:0")
    assert parse("proxy", "--http=0.0.0.0:10254"), "the proxy alone does not listen on --admin"


def test_a_command_takes_its_own_settings_only() -> None:
    """A variable of another command's setting changes nothing."""
    assert parse("proxy", INGRESS_CLASS="other") == Settings()
    assert parse("check", INGRESS_CLASS="other").ingress_class == "other"
    with pytest.raises(SystemExit):
        parse("control", "--workers=2")


def _is_a_text(text: str) -> bool:
    return bool(text.strip()) and text != "--"


def _values(field: options.Field) -> st.SearchStrategy[Any]:
    """Values that FIELD may have."""
    placeholder = field.metadata["placeholder"]
    text = {
        "ADDR:PORT": st.integers(1, 65535).map(lambda port: f"127.0.0.1:{port}"),
        "PATH": st.just(str(Path(__file__))),
        "/PATH": st.from_regex(r"/[-a-z/.%=,']{0,8}", fullmatch=True),
        "NS/NAME": st.from_regex(r"[a-z]{1,5}/[a-z][a-z.]{0,4}[a-z]", fullmatch=True),
        "NAMESPACE": st.from_regex(r"[a-z]([-a-z0-9]{0,5}[a-z0-9])?", fullmatch=True),
        "CIDR,...": st.sampled_from(["10.0.0.0/8", "192.0.2.1,192.0.2.2"]),
        "PREFIX": st.sampled_from(["example.com", "a.b"]),
        "FIRST-LAST": st.sampled_from(["20000-24999", "1-1"]),
        "CIDR": st.sampled_from(["10.0.0.0/8", "::/0", "192.0.2.1"]),
        "auto|N": st.sampled_from(["auto", "1", "12"]),
        "SIZE": st.sampled_from(["0", "512k", "10m", "1g"]),
        "URL": st.sampled_from(["http://collector:4318/v1/traces", "https://[::1]/"]),
    }.get(placeholder, st.text("a-= ,%'\"\\$\né", min_size=1, max_size=8).filter(_is_a_text))
    if field.metadata["choices"]:
        text = st.sampled_from(field.metadata["choices"])
    if isinstance(field.default, bool):
        return st.booleans()
    if isinstance(field.default, int):
        return st.integers(field.metadata["least"], min(field.metadata["most"], 2**40))
    if isinstance(field.default, float):
        return st.floats(field.metadata["least"], min(field.metadata["most"], 1e15))
    if isinstance(field.default, tuple):
        return st.lists(text, min_size=1, unique=True).map(tuple)
    return text


@settings(deadline=None, max_examples=50)
@given(st.data(), st.sampled_from(COMMANDS))
def test_arguments_for_a_child_say_the_same_settings(data: st.DataObject, command: str) -> None:
    """What a launcher puts on its children's command lines gives them its own settings, whatever their characters."""
    choices = {one.name: _values(one) for one in options.of_command(command)}
    changed = data.draw(st.fixed_dictionaries({}, optional=choices))
    addresses = [
        one for name in ("http", "https", "admin", "validating_webhook") for one in _listed(changed.get(name, ()))
    ]
    if len(set(addresses)) < len(addresses) or ("manifests" in changed and changed.get("gateway_services")):
        return
    wanted = Settings(**changed)
    assert parse(command, *options.to_arguments(wanted, command)) == wanted


def test_services_of_gateways_need_a_cluster() -> None:
    """In a folder nothing could make them; `edge check` reads manifests of a cluster, too."""
    folder, services = f"--manifests={Path(__file__).parent}", "--gateway-services=ClusterIP"
    with pytest.raises(options.OptionError, match="--gateway-services: takes a cluster"):
        parse("run", folder, services)
    assert parse("run", services).gateway_services == "ClusterIP"


@pytest.mark.parametrize("text", ["20000", "2-1", "0-5", "1-70000", "a-b"])
def test_a_range_of_ports(text: str) -> None:
    with pytest.raises(options.OptionError, match="must be two ports"):
        parse("run", f"--gateway-service-ports={text}")


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def test_a_childs_environment_has_none_of_our_variables() -> None:
    """Its command line says it all; everything else stays."""
    environment = {"EDGE_WORKERS": "3", "EDGE_HTTP": ":80", "PATH": "/bin", "EDGE_UNKNOWN": "x", "EDGE_PORT": "tcp://"}
    assert options.without_variables(environment) == {"PATH": "/bin", "EDGE_UNKNOWN": "x", "EDGE_PORT": "tcp://"}


def test_a_misspelt_variable_is_told() -> None:
    """With the name that was meant, if one is near; what Kubernetes sets for a Service named edge is not ours."""
    kubernetes = {
        "EDGE_SERVICE_HOST": "10.0.0.1",
        "EDGE_PORT": "tcp://10.0.0.1:80",
        "EDGE_PORT_80_TCP_ADDR": "10.0.0.1",
        "EDGE_ADMIN_SERVICE_PORT": "80",
    }
    environment = {"EDGE_WORKER": "2", "EDGE_COLOUR": "red", "EDGE_WORKERS": "2", "HOME": "/", **kubernetes}
    assert list(options.misspelt(environment)) == [
        "environment: EDGE_COLOUR is no setting",
        "environment: EDGE_WORKER is no setting; did you mean EDGE_WORKERS?",
    ]


def test_every_setting_is_documented() -> None:
    """Each has a help text that ends as a sentence, a command that takes it, and belongs to a section."""
    assert set(FIELDS) == {field.name for field in dataclasses.fields(Settings)}
    assert all(dataclasses.fields(section) for section in SECTIONS.values())
    for field in FIELDS.values():
        assert field.metadata["help"].endswith("."), field.name
        assert set(field.metadata["commands"]) <= set(COMMANDS), field.name
        assert field.metadata["commands"], field.name


def test_help_tells_flag_variable_and_default() -> None:
    """For each setting of the command, in titled groups."""
    parser = argparse.ArgumentParser(formatter_class=lambda prog: argparse.HelpFormatter(prog, width=1000))
    options.add_arguments(parser, "run")
    text = parser.format_help()
    assert "--http ADDR:PORT" in text
    assert "[EDGE_HTTP; may be repeated] (default: 0.0.0.0:8080 [::]:8080)" in text
    assert "--access-log, --no-access-log" in text
    assert "[EDGE_ACCESS_LOG] (default: yes)" in text
    assert "Listening:" in text
    for field in options.of_command("run"):
        assert f"[{options.variable(field)}" in text


def test_settings_are_values() -> None:
    """Made once, changed by copy."""
    settings = Settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.workers = "2"  # type: ignore[misc]
    assert settings.with_(workers="2").workers == "2"
    assert settings.workers == "auto"

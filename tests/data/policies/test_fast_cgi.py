"""FastCgi: the CGI variables that endpoints get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.table.policies import FastCgi, RegexRewrite
from edge.table.policies.policy import Policy
from tests.support.play import Scene

BOTH = ("memory", "memory")


def told(
    directory: Path, *policies: Policy, secure: bool = False, index: str = "", own: Any = (), **request: Any
) -> dict[str, str]:
    """The parameters of a request."""
    with Scene(directory, BOTH, FastCgi("test", index, tuple(dict(own).items())), *policies) as scene:
        scene.play(secure=secure, **request)
        assert scene._handler is not None
        pairs = scene._handler.exchange.outgoing.parameters
        found = {name.decode(): value.decode("latin-1") for name, value in pairs}
        assert len(found) == len(pairs), "none comes twice"
        return found


def test_those_of_nginx(tmp_path: Path) -> None:
    found = told(tmp_path, method="POST", target="/a/b.php?c=d&e", fields=[("Content-Type", "text/x")], content=b"1234")
    remote = found.pop("REMOTE_ADDR")
    assert remote
    assert found == {
        "QUERY_STRING": "c=d&e",
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "text/x",
        "SCRIPT_NAME": "/a/b.php",
        "REQUEST_URI": "/a/b.php?c=d&e",
        "DOCUMENT_URI": "/a/b.php",
        "DOCUMENT_ROOT": "/usr/local/nginx/html",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_SCHEME": "http",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_SOFTWARE": "nginx/1.27.1",
        "REMOTE_PORT": found["REMOTE_PORT"],
        "SERVER_ADDR": found["SERVER_ADDR"],
        "SERVER_PORT": found["SERVER_PORT"],
        "SERVER_NAME": "app.example",
        "REDIRECT_STATUS": "200",
    }


def test_https_is_only_there_for_requests_by_tls(tmp_path: Path) -> None:
    found = told(tmp_path, secure=True)
    assert (found["HTTPS"], found["REQUEST_SCHEME"]) == ("on", "https")


@pytest.mark.parametrize(
    ("target", "script"),
    [
        ("/", "/index.php"),
        ("/a/", "/a/index.php"),
        ("/a/?x=/", "/a/index.php"),
        ("/a", "/a"),
        ("/a/b.php/", "/a/b.php/index.php"),
    ],
)
def test_the_index_is_for_paths_that_end_with_a_slash(tmp_path: Path, target: str, script: str) -> None:
    found = told(tmp_path, index="index.php", target=target)
    assert found["SCRIPT_NAME"] == script
    assert found["DOCUMENT_URI"] == target.partition("?")[0]


def test_parameters_of_users_go_before_those_of_nginx(tmp_path: Path) -> None:
    own = {
        "SCRIPT_FILENAME": "/app$fastcgi_script_name",
        "DOCUMENT_ROOT": "/app",
        "APP_ENV": "prod",
        "APP_HOST": "${host}/$http_x_tenant",
        "PATH_INFO": "$fastcgi_path_info",
        "ROOT": "$document_root",
    }
    found = told(tmp_path, index="i.php", own=own, target="/a/", fields=[("X-Tenant", "acme")])
    assert {name: found[name] for name in own} == {
        "SCRIPT_FILENAME": "/app/a/i.php",
        "DOCUMENT_ROOT": "/app",
        "APP_ENV": "prod",
        "APP_HOST": "app.example/acme",
        "PATH_INFO": "",
        "ROOT": "/usr/local/nginx/html",
    }


@pytest.mark.parametrize(
    ("target", "script"),
    [
        ("/a%20b.php", "/a b.php"),
        ("/%61.php", "/a.php"),
        ("/caf%C3%A9", "/caf\xc3\xa9"),
        ("/a/../b", "/b"),
        ("/a%2Fb", "/a/b"),
        ("/a/b%2F..%2Fc", "/a/c"),
        ("/a/b%2F..", "/a/"),
        ("/a%2F%2Fb", "/a/b"),
        ("/a%2F.", "/a/"),
        ("/a%252e%252e%252f", "/a%2e%2e%2f"),
    ],
)
def test_the_name_of_the_script_is_decoded(tmp_path: Path, target: str, script: str) -> None:
    found = told(tmp_path, target=target)
    assert found["SCRIPT_NAME"] == script
    assert found["REQUEST_URI"] == target


@pytest.mark.parametrize(
    "target", ["/..%2Fetc/passwd", "/a/..%2F..%2Fetc", "/%2e%2e%2f%2e%2e%2fetc", "/a%2f..%2f..%2f"]
)
def test_no_path_leads_out_of_the_root(tmp_path: Path, target: str) -> None:
    with Scene(tmp_path, BOTH, FastCgi("test")) as scene:
        played = scene.play(target=target)
        assert (played.status, played.asked) == (400, [])


def test_a_rewritten_path_names_the_script_and_the_uri_stays_the_clients(tmp_path: Path) -> None:
    rewrite = RegexRewrite("test", "/index.php/$1", "", "/app/(.*)")
    found = told(tmp_path, rewrite, target="/app/x?y=z")
    assert (found["SCRIPT_NAME"], found["QUERY_STRING"]) == ("/index.php/x", "y=z")
    assert found["REQUEST_URI"] == "/app/x?y=z"

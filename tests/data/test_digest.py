"""Digest authentication, with curl as a client where it counts."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from edge.data.http.digest import LIFETIME, Digest, Verdict, parameters
from edge.table.users import DigestError, from_htdigest

KEY = b"shared by all workers"
NOW = 1_800_000_000.0
HA1 = md5(b"anna:The realm:secret").hexdigest()
USERS = from_htdigest(f"# users\nanna:The realm:{HA1}\nbert:Other:{HA1}\n")


@pytest.fixture
def digest() -> Digest:
    return Digest("The realm", USERS, KEY)


def answer(challenge: str, **changes: str) -> str:
    """What a client sends that knows Anna's password, with CHANGES to what it says; its proof fits them."""
    asked = parameters(challenge)
    assert asked is not None
    given = {"username": "anna", "realm": asked["realm"], "nonce": asked["nonce"], "uri": "/a?b", "qop": "auth"}
    given |= {"nc": "00000001", "cnonce": "0a4f113b", **changes}
    request = md5(f"{given.get('method', 'GET')}:{given['uri']}".encode()).hexdigest()
    proof = ":".join((HA1, given["nonce"], given["nc"], given["cnonce"], given["qop"], request))
    given = {"response": md5(proof.encode()).hexdigest(), **given}
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in given.items() if value != "-")


def test_who_knows_the_password_is_let_in(digest: Digest) -> None:
    """By any worker, for the lifetime of the nonce."""
    value = answer(digest.challenge(NOW))
    assert digest.check(value, "GET", "/a?b", NOW) == Verdict("anna")
    assert Digest("The realm", USERS, KEY).check(value, "GET", "/a?b", NOW + LIFETIME) == Verdict("anna")


def test_an_old_nonce_is_stale(digest: Digest) -> None:
    """The client may try again with a new one; one who does not know the password is not told."""
    value = answer(digest.challenge(NOW))
    assert digest.check(value, "GET", "/a?b", NOW + LIFETIME + 1) == Verdict(None, stale=True)
    wrong = answer(digest.challenge(NOW), response="0" * 32)
    assert digest.check(wrong, "GET", "/a?b", NOW + LIFETIME + 1) == Verdict(None)
    assert "stale=true" in digest.challenge(NOW, stale=True)
    assert "stale" not in digest.challenge(NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "bert"},
        {"username": "nobody"},
        {"realm": "Other"},
        {"nonce": "made up"},
        {"nonce": "6b49d200-" + "0" * 32},
        {"nonce": "-"},
        {"uri": "/other"},
        {"qop": "auth-int"},
        {"qop": "-"},
        {"response": "0" * 32},
        {"response": "ü"},
        {"cnonce": "-"},
        {"nc": "-"},
        {"algorithm": "SHA-256"},
        {"method": "POST"},
    ],
)
def test_refused(digest: Digest, changes: dict[str, str]) -> None:
    """Whatever does not fit, though the proof was made for it."""
    assert digest.check(answer(digest.challenge(NOW), **changes), "GET", "/a?b", NOW) == Verdict(None)


def test_nonces_of_another_key_or_realm(digest: Digest) -> None:
    """Are not ours."""
    for other in (Digest("The realm", USERS, b"other"), Digest("Other", USERS, KEY)):
        value = answer(other.challenge(NOW), realm="The realm")
        assert digest.check(value, "GET", "/a?b", NOW) == Verdict(None)


def test_a_nonce_from_the_future(digest: Digest) -> None:
    """Seconds are forgiven: pods have clocks of their own."""
    value = answer(digest.challenge(NOW + 4))
    assert digest.check(value, "GET", "/a?b", NOW) == Verdict("anna")
    assert digest.check(value, "GET", "/a?b", NOW - 60).user is None


PARAMETERS: dict[str, dict[str, str] | None] = {
    'Digest a="b", c=d': {"a": "b", "c": "d"},
    'digest  A="x, \\"y\\" = z" ,b=1': {"a": 'x, "y" = z', "b": "1"},
    "Digest ": {},
    "Basic YTpi": None,
    'Digest a="b': None,
    'Digest a="b" c=d': None,
    "Digest a=b, a=c": None,
    "Digest nonsense": None,
}


@pytest.mark.parametrize(("value", "found"), PARAMETERS.items())
def test_parameters(value: str, found: dict[str, str] | None) -> None:
    """Quoted or not; a name that is given twice makes all of it invalid."""
    assert parameters(value) == found


def test_users() -> None:
    """The first of several counts; a line that is none is named."""
    assert from_htdigest(f"a:r:{HA1}\na:r:{'0' * 32}\n") == {("a", "r"): HA1}
    for line in ("a:r", "a:r:secret", ":r:" + HA1, "a:b:r:" + HA1):
        with pytest.raises(DigestError, match="line 2"):
            from_htdigest("\n" + line)


def test_a_realm_is_quoted() -> None:
    """What stands in it does not end it."""
    asked = parameters(Digest('a "b" \\c', {}, KEY).challenge(NOW))
    assert asked is not None
    assert asked["realm"] == 'a "b" \\c'


@pytest.fixture
def server(digest: Digest) -> Iterator[str]:
    """A server behind the digest."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            verdict = digest.check(self.headers.get("Authorization", ""), "GET", self.path, NOW)
            self.send_response(200 if verdict.user else 401)
            if not verdict.user:
                self.send_header("WWW-Authenticate", digest.challenge(NOW))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a?b=c"
        server.shutdown()
        thread.join(10)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("password", "status"), [("secret", "200"), ("wrong", "401")])
def test_curl(server: str, password: str, status: str) -> None:
    """Understands the challenge, and is understood."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--digest", "-u", f"anna:{password}", server]
    assert subprocess.run(command, capture_output=True, check=True, timeout=20).stdout.decode() == status

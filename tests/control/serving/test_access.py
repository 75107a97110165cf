"""Who may look at the page and the JSON of the admin port, over real connections."""

import http.client
import json
import socket
import ssl
import struct
from urllib.parse import urlencode

import pytest

from edge.control.api.errors import ConfigurationError
from edge.control.serving import access
from edge.control.serving.access import Access, is_local_name, is_loopback
from edge.control.serving.bounded_server import MOST_CONNECTIONS
from edge.control.serving.view import samples
from edge.settings import Settings
from tests.support.admin import Admin
from tests.support.certificates import authority, issue

TOKEN = "a-token-that-nobody-guesses"
OTHER = "another-token-that-nobody-guesses"


@pytest.fixture
def plain(tmp_path):
    with Admin(tmp_path / "table") as admin:
        yield admin


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture
def guarded(tmp_path, file):
    with Admin(tmp_path / "table", admin_token_file=str(file)) as admin:
        yield admin


def status(admin, path="/api/overview", **fields):
    return admin.request(path, **fields)[0]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


# --- without credentials ------------------------------------------------------------------------------------------


def test_without_credentials_this_machine_may_look(plain):
    assert status(plain) == 200


@pytest.mark.parametrize("host", ["localhost:10254", "edge.localhost", "127.0.0.1", "[::1]:10254", "LOCALHOST."])
def test_names_that_no_site_can_have_may_be_asked_for(plain, host):
    assert status(plain, Host=host) == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:10254", ""])
def test_a_name_that_leads_here_by_rebinding_is_refused(plain, host):
    assert status(plain, Host=host) == 403


def test_other_machines_may_not_look(plain):
    fields = http.client.HTTPMessage()
    fields["Host"] = "localhost"
    for peer in ("10.0.0.7", "::ffff:10.0.0.7", "fe80::1%eth0", "nonsense"):
        refusal = plain.server.access.refusal(peer, fields)
        assert refusal.status == 403
        assert "--admin-token-file" in refusal.message


def test_loopback_is_judged_by_the_address():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_loopback, ("128.0.0.1", "::2", "localhost", "")))
    assert not is_local_name("evil.example")


def test_probes_and_metrics_stay_open_to_all(plain):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert status(plain, path, Host="admin.example") == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_what_another_site_has_a_browser_ask_is_refused(plain, fields):
    assert status(plain, **fields) == 403


def test_the_page_itself_and_a_link_may_ask(plain):
    host = f"127.0.0.1:{plain.address[1]}"
    assert status(plain, Sec_Fetch_Site="same-origin", Origin=f"http://{host}", Host=host) == 200
    assert status(plain, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate") == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(plain, method):
    found, fields, _ = plain.request("/api/routes", method=method)
    assert (found, fields["Allow"]) == (405, "GET, HEAD")


def test_head_has_the_head_alone(plain):
    found, fields, body = plain.request("/api/routes", method="HEAD")
    assert (found, body) == (200, b"")
    assert int(fields["Content-Length"]) > 0


def test_answers_are_guarded(plain):
    for path in ("/api/overview", "/api/nothing", "/", "/metrics", "/healthz"):
        fields = plain.request(path)[1]
        assert fields["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in fields["Content-Security-Policy"]
        assert "unsafe" not in fields["Content-Security-Policy"]
        assert fields["Cache-Control"] == "no-store"


# --- a token ------------------------------------------------------------------------------------------------------


def test_with_a_token_everybody_needs_it(guarded):
    found, fields, body = guarded.request("/api/overview")
    assert (found, fields["WWW-Authenticate"]) == (401, 'Bearer realm="Edge"')
    assert "token" in json.loads(body)["error"]
    assert status(guarded, **bearer(TOKEN)) == 200
    assert status(guarded, **bearer(TOKEN), Host="edge.example.com") == 200
    for wrong in (TOKEN[:-1], TOKEN + "x", "", OTHER, "\xff"):
        assert status(guarded, **bearer(wrong)) == 401
    assert status(guarded, Authorization=f"Basic {TOKEN}") == 401


def test_probes_need_no_token_and_metrics_if_told(guarded, tmp_path, file):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert status(guarded, path) == 200
    with Admin(tmp_path / "second", admin_token_file=str(file), admin_protects_metrics=True) as admin:
        assert status(admin, "/metrics") == 401
        assert status(admin, "/metrics", **bearer(TOKEN)) == 200
        assert status(admin, "/healthz") == 200


def test_the_file_may_be_replaced_and_hold_two(guarded, file):
    file.write_text(f"{OTHER}\n\n{TOKEN}\n")
    assert status(guarded, **bearer(TOKEN)) == status(guarded, **bearer(OTHER)) == 200
    file.write_text(f"{OTHER}\n")
    assert status(guarded, **bearer(TOKEN)) == 401
    assert status(guarded, **bearer(OTHER)) == 200


def test_without_a_readable_token_nobody_may_look(guarded, file, caplog):
    file.write_text("\n")
    assert status(guarded, **bearer("")) == status(guarded, **bearer(TOKEN)) == 401
    file.unlink()
    assert status(guarded, **bearer(TOKEN)) == 401
    assert "no one can sign in" in caplog.text


def test_a_short_token_is_warned_of(tmp_path, caplog):
    path = tmp_path / "token"
    path.write_text("secret\n")
    Access(Settings(admin_token_file=str(path)))
    assert "may be guessed" in caplog.text
    assert "secret" not in caplog.text


# --- the form -----------------------------------------------------------------------------------------------------


def sign_in(admin, token, **fields):
    form = urlencode({"token": token}).encode()
    return admin.request("/sign-in", method="POST", body=form, **fields)


def cookie(fields):
    return fields["Set-Cookie"].partition(";")[0]


def test_a_browser_signs_in_and_gets_a_cookie_that_is_not_the_token(guarded):
    found, fields, _ = sign_in(guarded, f" {TOKEN} ")
    assert (found, fields["Location"]) == (303, "./")
    attributes = {part.strip() for part in fields["Set-Cookie"].split(";")[1:]}
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= attributes
    assert TOKEN not in fields["Set-Cookie"]
    assert status(guarded, Cookie=f"a=b; {cookie(fields)}") == 200
    forged = cookie(fields)[:-1] + ("1" if cookie(fields).endswith("0") else "0")
    assert status(guarded, Cookie=forged) == 401


def test_the_wrong_token_gets_the_form_again(guarded):
    found, fields, body = sign_in(guarded, "wrong")
    assert (found, fields["Set-Cookie"]) == (401, None)
    assert b'role="alert"' in body


def test_a_cookie_ends_with_its_time_and_with_its_token(guarded, file, monkeypatch):
    session = cookie(sign_in(guarded, TOKEN)[1])
    later = access.time.time() + access.SESSION + 1
    with monkeypatch.context() as patch:
        patch.setattr(access.time, "time", lambda: later)
        assert status(guarded, Cookie=session) == 401
    assert status(guarded, Cookie=session) == 200
    until, _, seal = session.partition("=")[2].partition(".")
    assert status(guarded, Cookie=f"{access.COOKIE}={int(until) + 1}.{seal}") == 401
    file.write_text(OTHER)
    assert status(guarded, Cookie=session) == 401


def test_a_form_of_another_site_signs_nobody_in(guarded):
    assert sign_in(guarded, TOKEN, Origin="http://evil.example")[0] == 403
    assert sign_in(guarded, TOKEN, Sec_Fetch_Site="cross-site")[0] == 403


def test_a_cookie_ends_with_the_token_that_it_was_given_for(guarded, file):
    file.write_text(f"{TOKEN}\n{OTHER}\n")
    first, second = cookie(sign_in(guarded, TOKEN)[1]), cookie(sign_in(guarded, OTHER)[1])
    file.write_text(f"{TOKEN}\n")
    assert (status(guarded, Cookie=first), status(guarded, Cookie=second)) == (200, 401)


@pytest.mark.parametrize("other", ['state={"a": "b"}', "a/b=c", "=", "nothing"])
def test_cookies_of_other_servers_on_this_host_do_not_hide_ours(guarded, other):
    session = cookie(sign_in(guarded, TOKEN)[1])
    assert status(guarded, Cookie=f"{other}; {session}") == 200


def test_events_end_with_the_token(guarded, file, monkeypatch):
    monkeypatch.setattr(samples, "INTERVAL", 0.1)
    connection = http.client.HTTPConnection(*guarded.address, timeout=40)
    connection.request("GET", "/api/events", headers=bearer(TOKEN))
    response = connection.getresponse()
    assert response.readline() == b"retry: 2000\n"
    file.write_text(OTHER)
    while response.readline():  # until the server closes; it would never end otherwise
        pass
    response.close()


@pytest.mark.parametrize("form", [b"a&" * 20 + b"token=x", b"a=b&" * 20, b"\xff=\xff&token=%ff", b""])
def test_a_form_of_any_kind_gets_an_answer(guarded, form):
    assert guarded.request("/sign-in", method="POST", body=form)[0] == 401


def test_a_form_that_is_too_long_is_not_read(guarded):
    assert sign_in(guarded, "x" * 5000)[0] == 413
    assert guarded.request("/sign-in", method="POST", Content_Length="many")[0] == 413


def test_signing_out_takes_the_cookie_away(guarded):
    found, fields, _ = guarded.request("/sign-out", method="POST")
    assert found == 303
    assert "Max-Age=0" in fields["Set-Cookie"]


def test_another_site_cannot_sign_anybody_out(guarded):
    for fields in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        found, answered, _ = guarded.request("/sign-out", method="POST", **fields)
        assert (found, answered["Set-Cookie"]) == (403, None)


def test_without_a_token_there_is_nothing_to_sign_in_to(plain):
    assert sign_in(plain, TOKEN)[0] == 403


# --- TLS ----------------------------------------------------------------------------------------------------------


class Secured:
    """An admin server over TLS."""

    def __init__(self, folder, **changes):
        certificate, key = issue("127.0.0.1").write(folder)
        self.folder = folder
        self.admin = Admin(folder / "table", admin_certificate=str(certificate), admin_key=str(key), **changes)

    def request(self, path, client=None, method="GET", body=None, **fields):
        context = ssl.create_default_context(cadata=authority().certificate.decode())
        if client is not None:
            context.load_cert_chain(*client.write(self.folder, "client"))
        connection = http.client.HTTPSConnection(*self.admin.address, context=context, timeout=40)
        connection.request(method, path, body=body, headers=fields)
        response = connection.getresponse()
        found = response.status, response.headers
        response.read()
        connection.close()
        return found


@pytest.fixture
def ca(tmp_path):
    path = tmp_path / "ca.crt"
    path.write_bytes(authority().certificate)
    return path


def test_a_client_certificate_lets_look_and_probes_need_none(tmp_path, ca):
    secured = Secured(tmp_path, admin_client_ca=str(ca))
    with secured.admin:
        assert secured.request("/healthz")[0] == 200
        assert secured.request("/api/overview")[0] == 403
        assert secured.request("/api/overview", issue(client=True))[0] == 200
        stranger = issue(client=True, issuer=authority("Somebody Else"))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            secured.request("/api/overview", stranger)


def test_token_or_certificate_is_enough_where_both_may_be_shown(tmp_path, ca, file):
    secured = Secured(tmp_path, admin_client_ca=str(ca), admin_token_file=str(file))
    with secured.admin:
        assert secured.request("/api/overview")[0] == 401
        assert secured.request("/api/overview", issue(client=True))[0] == 200
        assert secured.request("/api/overview", **bearer(TOKEN))[0] == 200


def test_over_tls_the_cookie_is_for_tls_alone(tmp_path, file):
    secured = Secured(tmp_path, admin_token_file=str(file))
    with secured.admin:
        found, fields = secured.request("/sign-in", method="POST", body=urlencode({"token": TOKEN}))
        assert found == 303
        assert "; Secure" in fields["Set-Cookie"]


def test_connections_that_are_reset_before_the_handshake_use_nothing_up(tmp_path):
    secured = Secured(tmp_path)
    with secured.admin:
        for _ in range(5 * MOST_CONNECTIONS):
            with socket.create_connection(secured.admin.address) as client:
                client.sendall(b"nothing of TLS")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert secured.request("/healthz")[0] == 200


@pytest.mark.parametrize("changes", [{"admin_certificate": "x"}, {"admin_key": "x"}, {"admin_client_ca": "x"}])
def test_files_for_tls_that_are_not_all_named_are_an_error(tmp_path, changes):
    with pytest.raises(ConfigurationError, match="--admin-certificate"):
        Admin(tmp_path, **changes)

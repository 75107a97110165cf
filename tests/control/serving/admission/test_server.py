"""The webhook over real TLS connections."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.control.api.errors import ConfigurationError
from edge.control.kinds.ingress import Ingress
from edge.control.kinds.problems import Problem, error
from edge.control.serving import bounded_server
from edge.control.serving.admission import server as module
from edge.control.serving.admission.server import MOST_BODY, MOST_REVIEWS, Webhook
from edge.settings import Settings
from tests.control.serving.admission.test_review import review
from tests.support.certificates import Pair, authority, issue


class Served:
    """A webhook with files that a test may replace."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.certificate, self.key = issue("127.0.0.1").write(folder)
        self.problems: list[Problem] = []
        self.waiting = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.settings = Settings(
            validating_webhook="127.0.0.1:0",
            validating_webhook_certificate=str(self.certificate),
            validating_webhook_key=str(self.key),
            **settings,
        )
        self.webhook = Webhook(self.settings, self._judge, lambda _: True)
        self.webhook.start()

    def _judge(self, _: Ingress) -> list[Problem]:
        self.waiting.set()
        self.go_on.wait(40)
        return self.problems

    def connect(self, client: Pair | None = None) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cadata=authority().certificate.decode())
        if client is not None:
            context.load_cert_chain(*client.write(self.folder, "client"))
        return http.client.HTTPSConnection(*self.webhook.address, context=context, timeout=40)

    def post(self, body: bytes, client: Pair | None = None, **fields: str) -> tuple[int, bytes]:
        connection = self.connect(client)
        connection.request("POST", "/networking/v1/ingresses", body, fields)
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found

    def serial(self) -> int:
        connection = self.connect()
        connection.connect()
        found = connection.sock.getpeercert()
        connection.close()
        return int(found["serialNumber"], 16)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_server, "POLL", 0.02)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path)
    yield one
    one.go_on.set()
    one.webhook.stop()


def test_reviews_are_answered(served: Served) -> None:
    status, body = served.post(review())
    assert (status, json.loads(body)["response"]) == (200, {"uid": "7", "allowed": True})
    served.problems = [error("PathTaken", "spec.rules[0]", "is taken")]
    status, body = served.post(review())
    assert (status, json.loads(body)["response"]["allowed"]) == (200, False)
    assert (served.webhook.reviews.allowed, served.webhook.reviews.refused) == (1, 1)


def test_a_connection_takes_one_review_after_another(served: Served) -> None:
    connection = served.connect()
    for _ in range(3):
        connection.request("POST", "/", review())
        response = connection.getresponse()
        assert json.loads(response.read())["response"]["allowed"]
    connection.close()


def test_what_is_no_review_is_a_bad_request(served: Served) -> None:
    assert served.post(b"{}")[0] == 400
    assert served.webhook.reviews.malformed == 1


def test_a_long_body_is_refused_before_it_is_sent(served: Served) -> None:
    connection = served.connect()
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(MOST_BODY))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_client_that_sends_a_long_body_all_the_same_gets_the_answer(served: Served) -> None:
    """As most do: they read the answer when everything is sent, and a reset before that is all they see."""
    status, text = served.post(bytes(MOST_BODY + (8 << 20)))
    assert (status, text.split()[-2:]) == (413, [b"%d" % MOST_BODY, b"bytes"])


@pytest.mark.parametrize("fields", [{}, {"Transfer-Encoding": "chunked"}, {"Content-Length": "-1"}])
def test_a_body_has_to_say_how_long_it_is(served: Served, fields: dict[str, str]) -> None:
    connection = served.connect()
    connection.putrequest("POST", "/")
    for name, value in fields.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()


def test_other_methods_are_not_allowed(served: Served) -> None:
    connection = served.connect()
    connection.request("GET", "/")
    response = connection.getresponse()
    assert (response.status, response.getheader("Allow")) == (405, "POST")
    connection.close()


def test_few_reviews_are_in_memory_at_a_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REVIEW_WAIT", 0.05)
    served.go_on.clear()
    threads = [threading.Thread(target=served.post, args=(review(),)) for _ in range(MOST_REVIEWS)]
    for thread in threads:
        served.waiting.clear()
        thread.start()
        assert served.waiting.wait(40)
    assert served.post(review())[0] == 503
    served.go_on.set()
    for thread in threads:
        thread.join(40)
    assert served.post(review())[0] == 200


def test_a_client_that_does_not_shake_hands_holds_up_nobody(served: Served) -> None:
    with socket.create_connection(served.webhook.address):
        assert served.post(review())[0] == 200


def test_certificates_may_be_replaced(served: Served) -> None:
    first = served.serial()
    pair = issue("127.0.0.1", days=8)
    assert pair.serial != first
    pair.write(served.folder)
    assert served.serial() == pair.serial


def test_files_that_cannot_be_used_leave_the_last_certificate_in_force(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    first = served.serial()
    served.key.write_text("no key")
    assert served.serial() == first
    assert "the last certificate stays in use" in caplog.text


def test_files_may_come_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    served = Served(tmp_path)
    pair = issue("127.0.0.1")
    for path in (served.certificate, served.key):
        path.unlink()
    late = Webhook(served.settings, lambda _: [], lambda _: True)
    late.start()
    assert "no connection is taken" in caplog.text
    served.webhook.stop()
    served.webhook = late
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served.serial()
    pair.write(tmp_path)
    assert served.serial() == pair.serial
    late.stop()


def test_clients_may_have_to_show_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(authority("API Server").certificate)
    served = Served(tmp_path, validating_webhook_client_ca=str(tmp_path / "ca.crt"))
    apiserver = issue("apiserver", issuer=authority("API Server"), client=True)
    assert served.post(review(), apiserver)[0] == 200
    for other in (None, issue("other", client=True)):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            served.post(review(), other)
    served.webhook.stop()


def test_without_files_it_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="--validating-webhook: needs --validating-webhook-certificate"):
        Webhook(Settings(validating_webhook=":9443"), lambda _: [], lambda _: True)

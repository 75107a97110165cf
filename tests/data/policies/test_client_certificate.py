"""Certificates of clients, after the handshake (ingress-nginx, auth-tls-*): what becomes of what was verified.

The handshakes themselves are in tests/e2e/policies/test_client_certificates.py.
"""

from __future__ import annotations

import pytest

from edge.data.net.peers import NAMED, PLAIN, UNNAMED, Peer
from edge.table.policies import ClientCertificate, HttpsRedirect
from edge.table.policies.client_certificate import ClientVerification
from tests.support.play import Request

ON, OPTIONAL, ANY, OFF = (
    ClientVerification.ON, ClientVerification.OPTIONAL, ClientVerification.OPTIONAL_NO_CA, ClientVerification.OFF,
)  # fmt: skip
OURS = {"tls": True, "named": True, "trust": "ours"}
GOOD = Peer(**OURS, verify=b"SUCCESS", subject=b"CN=alice", issuer=b"CN=root", certificate=b"PEM")
NONE = Peer(**OURS, verify=b"NONE")
UNTRUSTED = Peer(**OURS, fault=21, verify=b"FAILED:untrusted", subject=b"CN=alice", issuer=b"CN=x", certificate=b"PEM")
EXPIRED = UNTRUSTED._replace(fault=10, verify=b"FAILED:certificate has expired")
THEIRS = GOOD._replace(trust="theirs")


def policy(verification: ClientVerification = ON, **rest) -> ClientCertificate:
    return ClientCertificate("test", "ours" if verification is not OFF else "", verification, **rest)


def answer(play, peer: Peer, asked: ClientCertificate, *others, secure: bool | None = None) -> int:
    played = play(Request(), asked, *others, peer=peer, secure=peer.tls if secure is None else secure)
    assert bool(played.asked) is (played.status == 200)
    return played.status


@pytest.mark.parametrize(
    ("peer", "statuses"),
    [  # on, optional, optional_no_ca, off
        (GOOD, (200, 200, 200, 200)),
        (NONE, (400, 200, 200, 200)),
        (UNTRUSTED, (400, 400, 200, 200)),
        (EXPIRED, (400, 400, 400, 200)),
        (THEIRS, (421, 421, 421, 200)),
        (NAMED, (421, 421, 421, 200)),
        (UNNAMED, (400, 200, 200, 200)),
        (PLAIN, (400, 200, 200, 200)),
    ],
    ids=["good", "none", "untrusted", "expired", "other trust", "other host", "no server name", "plain"],
)
def test_by_mode_and_by_what_was_verified(play, peer: Peer, statuses: tuple[int, ...]) -> None:
    assert tuple(answer(play, peer, policy(mode)) for mode in (ON, OPTIONAL, ANY, OFF)) == statuses


@pytest.mark.parametrize("fault", [18, 19, 20, 21, 27])
def test_an_authority_that_is_not_trusted_is_one_of_these_faults(play, fault: int) -> None:
    assert answer(play, UNTRUSTED._replace(fault=fault), policy(ANY)) == 200


def test_the_answers_say_what_is_wrong_as_nginx_does(play) -> None:
    assert play(Request(), policy(), peer=NONE, secure=True).content == b"400 No required SSL certificate was sent\n"
    assert play(Request(), policy(), peer=EXPIRED, secure=True).content == b"400 The SSL certificate error\n"


def test_plain_http_passes_where_something_else_answers_it(play) -> None:
    assert answer(play, PLAIN, policy(plain=True), HttpsRedirect("test")) == 308
    assert answer(play, PLAIN, policy(plain=True)) == 200


def test_tls_that_a_proxy_in_front_has_ended_shows_no_certificate(play) -> None:
    """A redirect to https would not answer it."""
    assert answer(play, PLAIN, policy(plain=True), HttpsRedirect("test"), secure=True) == 400


@pytest.mark.parametrize("peer", [NONE, EXPIRED])
def test_an_error_page_takes_the_place_of_the_400(play, peer: Peer) -> None:
    played = play(Request(), policy(error_page="https://e.example/"), peer=peer, secure=True)
    assert (played.status, played.field("location")) == (302, "https://e.example/")


@pytest.mark.parametrize(
    ("peer", "status"), [(GOOD, 200), (GOOD._replace(subject=b"O=x,CN=bob"), 403), (NONE, 403), (PLAIN, 403)]
)
def test_the_subject_is_searched_for_the_pattern(play, peer: Peer, status: int) -> None:
    played = play(Request(), policy(OPTIONAL, subject="CN=(alice|carol)"), peer=peer, secure=peer.tls)
    assert played.status == status
    assert status == 200 or played.content == b"client certificate unauthorized"


def test_where_none_is_asked_for_no_subject_matches(play) -> None:
    assert answer(play, GOOD, policy(OFF, subject="CN=alice")) == 403


def told(play, peer: Peer, asked: ClientCertificate, *forged: tuple[str, str]) -> list[tuple[str, str]]:
    (request,) = play(Request("GET", "/", fields=list(forged)), asked, peer=peer, secure=peer.tls).asked
    return [(name, value) for name, value in request.fields if "ssl-client" in name.lower()]


FORGED = [("SSL-Client-Verify", "SUCCESS"), ("ssl-client-cert", "x")]


def test_the_endpoint_gets_subject_issuer_and_verdict(play) -> None:
    assert told(play, GOOD, policy(), *FORGED) == [
        ("ssl-client-verify", "SUCCESS"), ("ssl-client-subject-dn", "CN=alice"), ("ssl-client-issuer-dn", "CN=root"),
    ]  # fmt: skip
    assert told(play, GOOD, policy(pass_certificate=True))[0] == ("ssl-client-cert", "PEM")


@pytest.mark.parametrize("peer", [NONE, UNNAMED])
def test_without_a_certificate_it_gets_no_more_than_that(play, peer: Peer) -> None:
    assert told(play, peer, policy(OPTIONAL, pass_certificate=True), *FORGED) == [("ssl-client-verify", "NONE")]


def test_of_plain_http_it_gets_nothing(play) -> None:
    assert told(play, PLAIN, policy(OPTIONAL), *FORGED) == []


def test_a_certificate_for_another_host_is_not_described(play) -> None:
    assert told(play, THEIRS, policy(OFF), *FORGED) == [("ssl-client-verify", "NONE")]


def test_without_authorities_the_route_is_closed(play) -> None:
    assert play(Request(), ClientCertificate("test"), peer=GOOD, secure=True).status == 503

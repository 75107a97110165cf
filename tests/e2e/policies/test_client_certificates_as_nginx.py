"""nginx as the oracle of certificates of clients: the status, and the fields that the endpoint gets."""

from __future__ import annotations

import itertools
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.support.certificates import (
    Pair,
    authority,
    intermediate,
    issue,
    revocations,
    self_signed,
    trusting_all,
)
from tests.support.clients import Client
from tests.support.ingresses import Annotated
from tests.support.waiting import eventually, free_port

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is missing")

ROOT = authority("Root, of trust", path_length=None)
MIDDLE = intermediate("Middle", ROOT)
LOWER = intermediate("Lower", MIDDLE)
OTHER = authority("Other Authority")
REVOKED = issue(client=True, common_name="revoked", issuer=ROOT)
CRL = revocations(ROOT, REVOKED)


def chain(leaf: Pair, *issuers: Pair) -> Pair:
    return Pair(leaf.certificate + b"".join(one.certificate for one in issuers), leaf.key)


def named(*attributes: tuple[x509.ObjectIdentifier, str]) -> Pair:
    return issue(client=True, issuer=ROOT, subject=x509.Name([x509.NameAttribute(*one) for one in attributes]))


CLIENTS = {
    "none": None,
    "good": issue(client=True, common_name="alice", issuer=ROOT),
    "by an intermediate": chain(issue(client=True, common_name="deep", issuer=MIDDLE), MIDDLE),
    "without its intermediate": issue(client=True, common_name="deep", issuer=MIDDLE),
    "too deep": chain(issue(client=True, common_name="deeper", issuer=LOWER), LOWER, MIDDLE),
    "other authority": issue(client=True, common_name="mallory", issuer=OTHER),
    "other authority, sent": chain(
        issue(client=True, issuer=authority("Other Authority")), authority("Other Authority")
    ),
    "self-signed": self_signed("alice"),
    "expired": issue(client=True, common_name="alice", issuer=ROOT, days=-1),
    "of a server": issue(common_name="server", issuer=ROOT),
    "revoked": REVOKED,
    "many attributes": named(
        (NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, 'Acme, "Co" <x>; +'), (NameOID.COMMON_NAME, "#alice ")
    ),
    "other letters": named((NameOID.COMMON_NAME, "Jürgen\n日本"), (NameOID.EMAIL_ADDRESS, "a=b@c.example")),
    "an attribute without name": named((x509.ObjectIdentifier("1.2.3.4.5"), "x"), (NameOID.USER_ID, "u1")),
    "no name": named(),
}
MODES = ("on", "optional", "optional_no_ca", "off")
LISTS = {"no list": b"", "a list": CRL}
SHOWN = {
    "ssl-client-cert": "$ssl_client_escaped_cert",
    "ssl-client-verify": "$ssl_client_verify",
    "ssl-client-subject-dn": "$ssl_client_s_dn",
    "ssl-client-issuer-dn": "$ssl_client_i_dn",
}
"""Fields, and the variables of nginx that they are made of."""

Ask = Callable[[ssl.SSLContext], tuple[int, dict[str, str]]]


@pytest.fixture(scope="module")
def both(edge: Annotated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], tuple[Ask, Ask]]]:
    """An nginx and a host of Edge for each mode and list, as a function each."""
    folder = tmp_path_factory.mktemp("nginx")
    server = self_signed("server.example").write(folder)
    (folder / "ca.crt").write_bytes(ROOT.certificate)
    (folder / "ca.crl").write_bytes(CRL)
    asking: dict[tuple[str, str], tuple[Ask, Ask]] = {}
    servers = []
    for number, (mode, name) in enumerate(itertools.product(MODES, LISTS)):
        port = free_port()
        crl = f"ssl_crl {folder}/ca.crl;" if LISTS[name] else ""
        shown = "\\n".join(f"{field}: {variable}" for field, variable in SHOWN.items())
        servers.append(
            f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {server[0]}; ssl_certificate_key {server[1]};"
            f"ssl_client_certificate {folder}/ca.crt; ssl_verify_client {mode}; ssl_verify_depth 1; {crl}"
            f'location / {{ return 200 "{shown}\\n"; }} }}'
        )
        data = {"ca_crt": ROOT.certificate} | ({"ca_crl": CRL} if LISTS[name] else {})
        edge.secret(f"as-nginx{number}", **data)
        host = edge.ingress(
            auth_tls_secret=f"demo/as-nginx{number}",
            auth_tls_verify_client=mode,
            auth_tls_pass_certificate_to_upstream="true",
        )
        asking[mode, name] = of_nginx(port), of_edge(edge, host)
    configuration = folder / "nginx.conf"
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; ssl_protocols TLSv1.2 TLSv1.3; {paths} {' '.join(servers)} }}"
    )
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(["nginx", "-e", f"{folder}/error.log", "-c", str(configuration)])
        )
        stack.callback(process.terminate)
        eventually(lambda: asking["off", "no list"][0](trusting_all())[0] == 200)
        yield lambda mode, name: asking[mode, name]


def of_nginx(port: int) -> Ask:
    def ask(context: ssl.SSLContext) -> tuple[int, dict[str, str]]:
        try:
            client = Client(port, tls=context, server_name="server.example")
        except ConnectionRefusedError:
            return 0, {}
        with client:
            response = client.request()
        lines = [line.partition(": ") for line in response.body.decode().splitlines()] if response.status == 200 else []
        return response.status, {name: value for name, _, value in lines if value}

    return ask


def of_edge(edge: Annotated, host: str) -> Ask:
    def ask(context: ssl.SSLContext) -> tuple[int, dict[str, str]]:
        with edge.connect(tls=context, server_name=host) as client:
            response = client.request(host=host)
        fields = response.json()["headers"] if response.status == 200 else []
        return response.status, {name: value for name, value in fields if name in SHOWN}

    return ask


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("mode", MODES)
def test_each_certificate_comes_to_the_same(
    both, tmp_path: Path, mode: str, name: str, version: ssl.TLSVersion
) -> None:
    nginx, edge = both(mode, name)
    found = {}
    for which, pair in CLIENTS.items():
        context = trusting_all()
        context.minimum_version = context.maximum_version = version
        if pair is not None:
            context.load_cert_chain(*pair.write(tmp_path))
        found[which] = nginx(context), edge(context)
    assert {which: edges for which, (_, edges) in found.items()} == {which: its for which, (its, _) in found.items()}

"""Protocol and TLS to endpoints: backend-protocol and proxy-ssl-*.

Rules of this file:
- As in ingress-nginx, without proxy-ssl-secret there is TLS 1.2 or 1.3 without verification, server name and client
  certificate, and the other proxy-ssl-* have no effect.
- proxy_ssl_* and grpc_ssl_* of configuration-snippet go before the annotations, and need no Secret.
- If the Secret cannot be used, the routes are closed, even if other annotations are valid: otherwise requests would be
  sent without the verification that is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from edge.control.kinds.core import TLS_CHAIN, TLS_KEY, Secret
from edge.control.kinds.problems import warning
from edge.control.translate import authorities, tls_words
from edge.control.translate.annotations import snippets
from edge.control.translate.annotations.values import field
from edge.control.translate.annotations.wanted import ContentError
from edge.control.translate.key_pairs import CertificateError, parse
from edge.control.translate.snippets import endpoint_tls
from edge.table.records import TLS_1_2, Protocol, Tls, TlsMaterial, Transport

if TYPE_CHECKING:
    from edge.control.kinds.core import ConfigMap
    from edge.control.translate.annotations.values import Values
    from edge.control.translate.annotations.wanted import Reference
    from edge.table.policies import AnyPolicy

_PROTOCOL: Final = "backend-protocol"
_SECRET: Final = "proxy-ssl-secret"  # noqa: S105 - the name of an annotation
_VERIFY: Final = "proxy-ssl-verify"
_DEPTH: Final = "proxy-ssl-verify-depth"
_NAME: Final = "proxy-ssl-name"
_SENDS_NAME: Final = "proxy-ssl-server-name"
_VERSIONS: Final = "proxy-ssl-protocols"
_CIPHERS: Final = "proxy-ssl-ciphers"
_TERMS: Final = (_SECRET, _VERIFY, _DEPTH, _NAME, _SENDS_NAME, _VERSIONS, _CIPHERS)
NAMES: Final = frozenset({_PROTOCOL, *_TERMS})
DIFFERENCES: Final = {
    _PROTOCOL: (
        "Without it `appProtocol` of the Service's port decides: `https`, `kubernetes.io/h2c`, `kubernetes.io/wss`; "
        "ingress-nginx does not read that. With GRPC and GRPCS the size of requests is limited only where "
        "proxy-body-size is set, so that streams last. With FCGI applications get the X-Forwarded-\\* of Edge as "
        "`HTTP_...`, not those of clients, and never `HTTP_PROXY`."
    ),
    _SECRET: (
        "Acts on the paths of its Ingress alone, as with `proxy-ssl-location-only`. A client certificate is shown also "
        "where there is no `ca.crt`."
    ),
    _VERIFY: "`on` without a `ca.crt` closes the route (503); ingress-nginx then verifies nothing.",
    _NAME: "A name without variables.",
    _CIPHERS: "What OpenSSL does not know is reported and ignored.",
}
"""How Edge differs from ingress-nginx, by annotation."""

PROTOCOLS: Final = ("HTTP", "HTTPS", "AUTO_HTTP", "GRPC", "GRPCS", "FCGI")
WITH_TLS: Final = ("HTTPS", "GRPCS", "AUTO_HTTP")
CLEAR: Final = {"HTTP": Protocol.HTTP1, "GRPC": Protocol.HTTP2, "FCGI": Protocol.FASTCGI}
NAME: Final = "upstream_balancer"
"""The name of endpoints without proxy-ssl-name: that of the upstream in ingress-nginx's configuration."""
_AUTHORITIES: Final = "ca.crt"


class Speaking(msgspec.Struct, frozen=True, gc=False):
    """The transport to endpoints of an Ingress."""

    usual: Transport = Transport()
    secure: Transport | None = None
    """For requests that came by TLS; None: the same."""
    port_tls: Tls | None = None
    """The terms for endpoints whose Service port asks for TLS (`appProtocol`); None: the annotations decide."""
    secret: Reference | None = None
    """The Secret that the terms of TLS need."""
    closing: tuple[AnyPolicy, ...] = ()
    """The policy that closes the routes if this cannot be applied."""

    @property
    def has_tls(self) -> bool:
        """Whether any request goes to endpoints by TLS."""
        return self.port_tls is not None or any(
            one is not None and one.tls is not None for one in (self.usual, self.secure)
        )

    def with_material(self, key: str) -> Speaking:
        """This with the key of the material that was made of the Secret."""

        def of(transport: Transport | None) -> Transport | None:
            if transport is None or transport.tls is None:
                return transport
            return replace(transport, tls=replace(transport.tls, material=key))

        port_tls = replace(self.port_tls, material=key) if self.port_tls is not None else None
        return replace(self, usual=of(self.usual), secure=of(self.secure), port_tls=port_tls)

    def material(self, secret: Secret | ConfigMap) -> TlsMaterial:
        """The material of SECRET for these terms.

        Raises:
            ContentError: it cannot be used.
        """
        data = (secret.data or {}) if isinstance(secret, Secret) else {}
        chain, key, trusted = (data.get(name, b"") for name in (TLS_CHAIN, TLS_KEY, _AUTHORITIES))
        if not (chain and key) and not trusted:
            raise ContentError(f"it has neither {TLS_CHAIN} and {TLS_KEY} nor {_AUTHORITIES}")
        terms = [one.tls for one in (self.usual, self.secure) if one is not None]
        if not trusted and any(one.verify for one in (*terms, self.port_tls) if one is not None):
            raise ContentError(f"it has no {_AUTHORITIES}, by which proxy-ssl-verify is to verify")
        try:
            found = parse(chain, key).certificate if chain and key else None
            trusted = authorities.parse(trusted) if trusted else b""
        except CertificateError as error:
            raise ContentError(str(error)) from error
        except authorities.AuthorityError as error:
            raise ContentError(f"{_AUTHORITIES}: {error}") from error
        return TlsMaterial(trusted, found.chain if found is not None else b"", found.key if found is not None else b"")


def read(values: Values) -> Speaking:
    """The transport to endpoints according to VALUES."""
    protocol = values.parsed(_PROTOCOL, "one of " + ", ".join(PROTOCOLS), _protocol, "HTTP")
    of_snippet = None
    if snippets.is_read(values):
        of_snippet = endpoint_tls.read(values.text(snippets.LOCATION), grpc=protocol == "GRPCS")
    tls, secret, closing = _terms(values, named=of_snippet is not None and bool(of_snippet.name))
    tls = of_snippet.over(tls, NAME) if of_snippet is not None else tls
    if values.text(_SECRET) and protocol not in WITH_TLS:
        ways = "backend-protocol is HTTPS, GRPCS or AUTO_HTTP, or appProtocol of the Service's port is https"
        _warn(values, _SECRET, f"has no effect unless {ways}")
    if not values.text(_PROTOCOL):
        return Speaking(port_tls=tls, secret=secret, closing=closing)
    secure = Transport(tls=tls)
    if protocol == "GRPCS":
        return Speaking(Transport(Protocol.HTTP2, tls), secret=secret, closing=closing)
    if protocol == "HTTPS":
        return Speaking(secure, secret=secret, closing=closing)
    if protocol == "AUTO_HTTP":
        return Speaking(secure=secure, secret=secret, closing=closing)
    return Speaking(Transport(CLEAR[protocol]), secret=secret, closing=closing)


def _terms(values: Values, *, named: bool) -> tuple[Tls, Reference | None, tuple[AnyPolicy, ...]]:
    """The terms of TLS, the Secret that they need, and the policy that closes the routes; NAMED: a snippet says how the
    endpoints are named.
    """
    if not values.text(_SECRET):
        for name in _TERMS:
            if values.text(name):
                _warn(values, name, "has no effect without proxy-ssl-secret")
        return Tls(), None, ()
    reference = values.reference("Secret", _SECRET)
    if reference is None:
        return Tls(), None, (values.close(_SECRET, "proxy-ssl-secret is no name of a Secret").policy,)
    if not reference.namespace:
        fault = f'"{reference.name}" has no namespace: write namespace/name'
        return Tls(), None, (values.refuse(_SECRET, fault).policy,)
    verify = values.choice(_VERIFY, tls_words.SWITCH, default=False)
    name = values.parsed(_NAME, "a host name without variables", tls_words.host, "")
    if verify and not (name or named):
        message = f'only certificates for "{NAME}" pass, as in ingress-nginx; give their name in proxy-ssl-name'
        _warn(values, _VERIFY, message)
    default: tuple[int, ...] = (TLS_1_2,)
    versions = values.parsed(_VERSIONS, "made of TLSv1.2 and TLSv1.3", tls_words.versions, default)
    tls = Tls(
        server_name=(name or NAME) if values.choice(_SENDS_NAME, tls_words.SWITCH, default=False) else "",
        verify=verify,
        names=(name or NAME,) if verify else (),
        depth=values.integer(_DEPTH, 1) or 1,
        least=min(versions),
        most=max(versions),
        ciphers=values.parsed(_CIPHERS, "a list of ciphers that OpenSSL knows", tls_words.ciphers, ""),
    )
    return tls, reference, ()


def _warn(values: Values, name: str, message: str) -> None:
    values.problems.append(warning("IneffectiveAnnotation", field(name), message))


def _protocol(text: str) -> str | None:
    return text.upper() if text.upper() in PROTOCOLS else None

"""Certificates of clients (ingress-nginx, auth-tls-*)."""

from __future__ import annotations

from enum import IntEnum

from edge.table.policies.policy import Policy


class ClientVerification(IntEnum):
    """What a client's certificate must be; the names are those of nginx's ssl_verify_client."""

    OFF = 0
    """None is requested."""
    ON = 1
    OPTIONAL = 2
    """There may be none."""
    OPTIONAL_NO_CA = 3
    """There may be none, or one of an authority that is not trusted; everything else is verified."""


class ClientCertificate(Policy, frozen=True, tag=True):
    """Requests without a client certificate that verifies are answered 400; 421 if the TLS is of another host."""

    trust: str = ""
    """Of the `TlsOptions` by which the certificate is verified."""
    verification: ClientVerification = ClientVerification.ON
    subject: str = ""
    """A pattern that must be found in the subject, else 403; empty: any subject is accepted."""
    error_page: str = ""
    """URL that a redirect leads to (302) in place of the 400; empty: there is none."""
    pass_certificate: bool = False
    """Whether endpoints get the certificate itself."""
    plain: bool = False
    """Whether requests by plain http pass: something else answers them, or they are challenges of ACME."""

    def summary(self) -> str:
        """As `Policy`."""
        subject = f" with subject {self.subject}" if self.subject else ""
        return f"client certificates: {self.verification.name.lower()}{subject}"

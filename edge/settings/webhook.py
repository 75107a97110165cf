"""The validating admission webhook."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import CONTROL, setting


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """The validating admission webhook."""

    validating_webhook: str = setting(
        "",
        "Serve the validating admission webhook here, over TLS (default: there is none).",
        placeholder="ADDR:PORT",
        commands=CONTROL,
    )
    validating_webhook_certificate: str = setting(
        "",
        "Certificate and chain of the webhook (PEM); a file that is replaced is in force for new connections.",
        placeholder="FILE",
        commands=CONTROL,
    )
    validating_webhook_key: str = setting(
        "", "Private key of --validating-webhook-certificate (PEM).", placeholder="FILE", commands=CONTROL
    )
    validating_webhook_client_ca: str = setting(
        "",
        "Accept only requests to the webhook with a client certificate of these authorities (PEM); an API server can"
        " be configured to send one.",
        placeholder="FILE",
        commands=CONTROL,
    )
    deep_inspect: bool = setting(
        True, "Make the webhook refuse hosts and paths that look like configuration of nginx.", commands=CONTROL
    )
    strict_validate_path_type: bool = setting(
        True,
        "Make the webhook refuse paths of type Exact or Prefix with anything but letters, digits and / . _ -.",
        commands=CONTROL,
    )

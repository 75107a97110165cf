"""Status, Events and the Lease."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import CONTROL, setting


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Status, Events and the Lease."""

    publish_service: str = setting(
        "",
        "Copy the addresses of this Service to the status of served Ingresses.",
        placeholder="NS/NAME",
        commands=CONTROL,
    )
    publish_status_address: str = setting(
        "",
        "Addresses or names for the status of served Ingresses, comma separated.",
        placeholder="ADDRESS",
        commands=CONTROL,
    )
    report_node_internal_ip_address: bool = setting(
        False, "Report internal rather than external node addresses.", commands=CONTROL
    )
    update_status: bool = setting(True, "Write the status of served Ingresses.", commands=CONTROL)
    update_status_on_shutdown: bool = setting(
        True, "Remove our addresses from the status when the last instance stops.", commands=CONTROL
    )
    election_id: str = setting(
        "edge-ingress-leader",
        "Name of the Lease that elects the instance which writes status.",
        placeholder="NAME",
        commands=CONTROL,
    )
    election_ttl: float = setting(
        15.0,
        "Time after which another instance takes over from a leader that does not renew the Lease.",
        placeholder="SECONDS",
        commands=CONTROL,
        least=3,
    )
    election_namespace: str = setting(
        "",
        "Namespace of the Lease of --election-id (default: $POD_NAMESPACE, else that of the service account or the"
        " kubeconfig).",
        placeholder="NAMESPACE",
        commands=CONTROL,
    )
    events: bool = setting(True, "Report problems as Events of the Ingress.", commands=CONTROL)
    disable_sync_events: bool = setting(
        False, "Write no Event of the reason Sync when an Ingress is served for the first time.", commands=CONTROL
    )

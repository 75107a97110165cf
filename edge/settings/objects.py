"""Which objects Edge reads, and how it understands them."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import ALL, CONTROL, TRANSLATION, setting


@dataclass(frozen=True, kw_only=True)
class Objects:
    """Which objects Edge reads, and how it understands them."""

    manifests: tuple[str, ...] = setting(
        (),
        "Read Kubernetes objects from this file or folder and follow its changes; no cluster is contacted.",
        placeholder="PATH",
        commands=CONTROL,
    )
    kubeconfig: str = setting(
        "",
        "Kubeconfig of the cluster to watch (default: $KUBECONFIG, else the pod's service account).",
        placeholder="FILE",
        commands=TRANSLATION,
    )
    apiserver_host: str = setting(
        "",
        "URL of the API server (default: that of the kubeconfig or of the pod).",
        placeholder="URL",
        commands=TRANSLATION,
    )
    certificate_authority: str = setting(
        "",
        "Certificates (PEM) that verify the API server of --apiserver-host.",
        placeholder="FILE",
        commands=TRANSLATION,
    )
    watch_namespace: str = setting(
        "", "Watch only this namespace (default: all).", placeholder="NAMESPACE", commands=TRANSLATION
    )
    watch_namespace_selector: str = setting(
        "", "Watch only namespaces with these labels.", placeholder="SELECTOR", commands=CONTROL
    )
    ingress_class: str = setting(
        "edge",
        "Value of the annotation kubernetes.io/ingress.class that selects an Ingress for Edge; also the name of the"
        " IngressClass served without an IngressClass object.",
        placeholder="NAME",
        commands=TRANSLATION,
    )
    controller_class: str = setting(
        "edge.ingress/controller",
        "spec.controller of the IngressClasses that Edge serves.",
        placeholder="NAME",
        commands=TRANSLATION,
    )
    ingress_class_by_name: bool = setting(
        False,
        "Serve the IngressClass named by --ingress-class regardless of its spec.controller.",
        commands=TRANSLATION,
    )
    watch_ingress_without_class: bool = setting(False, "Also serve Ingresses that name no class.", commands=TRANSLATION)
    configmap: str = setting(
        "",
        "Use the keys of this ConfigMap, as ingress-nginx does; they override"
        " other settings, and a change is in force at the next request.",
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    annotations_prefix: str = setting(
        "nginx.ingress.kubernetes.io",
        "Prefix of the annotations of Ingresses, without its slash.",
        placeholder="PREFIX",
        commands=TRANSLATION,
    )
    disable_catch_all: bool = setting(False, "Do not serve Ingresses with a spec.defaultBackend.", commands=TRANSLATION)
    default_ssl_certificate: str = setting(
        "",
        "Secret with the certificate for hosts that have none (default: a self-signed one).",
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    default_backend_service: str = setting(
        "",
        "Service that answers requests which no Ingress takes, by its first port (default: 404).",
        placeholder="NS/NAME",
        commands=TRANSLATION,
    )
    health_check_path: str = setting(
        "/healthz",
        "Answer 200 to this path on the traffic ports, for probes of load balancers, on hosts that no Ingress names;"
        " on the admin address it is another name of /healthz.",
        placeholder="/PATH",
        commands=ALL,
    )
    gateway_addresses: tuple[str, ...] = setting(
        (),
        "Give each Gateway an address of its own out of this block, or of these addresses, and listen there at the"
        " ports of its listeners (default: all Gateways share the addresses of --http and --https).",
        placeholder="CIDR,...",
        commands=TRANSLATION,
    )
    gateway_services: str = setting(
        "",
        "Make a Service of this type for each Gateway, whose ports lead to ports of Edge's pods, so that each Gateway"
        " has the ports of its listeners to itself (default: none is made).",
        choices=("LoadBalancer", "ClusterIP", "NodePort"),
        commands=TRANSLATION,
    )
    gateway_service_ports: str = setting(
        "20000-24999",
        "Ports of Edge's pods that the Services of Gateways lead to.",
        placeholder="FIRST-LAST",
        commands=TRANSLATION,
    )
    disable_svc_external_name: bool = setting(
        False, "Answer 503 for Services of type ExternalName.", commands=TRANSLATION
    )
    allow_cross_namespace_resources: bool = setting(
        False,
        "Let annotations name Secrets and ConfigMaps of other namespaces than their Ingress's.",
        commands=TRANSLATION,
    )
    allow_snippet_annotations: bool = setting(
        False,
        "Apply snippets whose directives Edge supports; other snippets close their routes.",
        commands=TRANSLATION,
    )
    enable_topology_aware_routing: bool = setting(
        False, "Use the endpoints that EndpointSlices suggest for our --zone.", commands=TRANSLATION
    )
    zone: str = setting(
        "",
        "Zone of this instance for --enable-topology-aware-routing (default: topology.kubernetes.io/zone of the node).",
        placeholder="ZONE",
        commands=TRANSLATION,
    )
    endpoint_ip_family: str = setting(
        "any",
        "Address family to use for Services with endpoints of both (any: both).",
        choices=("any", "IPv4", "IPv6"),
        commands=TRANSLATION,
    )
    annotations_risk_level: str = setting(
        "High",
        "Refuse Ingresses with an annotation above this level of ingress-nginx; snippets are Critical.",
        choices=("Low", "Medium", "High", "Critical"),
        commands=TRANSLATION,
    )
    annotation_value_word_blocklist: tuple[str, ...] = setting(
        (),
        "Refuse Ingresses with an annotation whose value contains this word.",
        placeholder="WORD",
        commands=TRANSLATION,
    )
    sync_timeout: float = setting(
        60.0,
        "Publish the first table after this time even if some kinds could not be listed yet.",
        placeholder="SECONDS",
        commands=CONTROL,
    )

"""The address of the API server and our credentials, read by the official client's loaders."""

from __future__ import annotations

import base64
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import urllib3
import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, load_kube_config
from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME, InClusterConfigLoader
from kubernetes.utils.keepalive import tcp_keepalive_socket_options

from edge.control.api.errors import ConfigurationError

if TYPE_CHECKING:
    from edge.settings import Settings

logger = logging.getLogger(__name__)

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_IDLE_CONNECTIONS = 32
_PROBES = (15, 5, 3)
"""Seconds of silence, seconds between two probes, probes: a host that has vanished is noticed within half a minute."""
_FAULTS = (ConfigException, OSError, yaml.YAMLError, KeyError, TypeError)
"""Exceptions that the official loaders raise for malformed files."""


def load(settings: Settings, *, service_account: Path = SERVICE_ACCOUNT) -> Configuration:
    """Read the configuration afresh: `--kubeconfig`, else $KUBECONFIG, else the pod's service account.

    Credentials are read again too (token files, exec plugins), so this is what to call after a 401.

    Raises:
        ConfigurationError: there is none, or it cannot be used.
    """
    configuration = Configuration()
    files = _files(settings)
    try:
        found = _find(configuration, files, service_account)
        proxy = urllib3.util.parse_url(configuration.proxy) if configuration.proxy else None
    except (*_FAULTS, urllib3.exceptions.LocationParseError) as error:
        raise ConfigurationError(f"{files or 'service account'}: {error}") from error
    if not found and not settings.apiserver_host:
        raise ConfigurationError(
            "no cluster to watch: give --manifests, --kubeconfig or --apiserver-host, set KUBECONFIG,"
            " or run in a pod with a service account"
        )
    if settings.apiserver_host:
        configuration.host = settings.apiserver_host.rstrip("/")
        configuration.ssl_ca_cert = settings.certificate_authority or configuration.ssl_ca_cert
    if not configuration.verify_ssl:
        logger.warning("%s: the certificate of the API server is not verified, so any server may answer", files)
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # would say so with each connection
    if proxy is not None and proxy.auth:  # urllib3 would leave it out
        configuration.proxy_headers = urllib3.make_headers(proxy_basic_auth=unquote(proxy.auth))
    configuration.retries = False  # the caller decides about retries
    configuration.socket_options = tcp_keepalive_socket_options(*_PROBES)
    configuration.connection_pool_maxsize = _IDLE_CONNECTIONS
    return configuration


def _find(configuration: Configuration, files: str, service_account: Path) -> bool:
    """Fill CONFIGURATION from the kubeconfig in FILES, else from the pod's SERVICE_ACCOUNT; whether there is one."""
    if files:
        if not any(one.startswith("~") or Path(one).exists() for one in files.split(os.pathsep)):
            raise FileNotFoundError("no such file")
        load_kube_config(  # type: ignore[no-untyped-call]  # the client is untyped
            config_file=files, client_configuration=configuration, persist_config=False
        )
        return True
    if SERVICE_HOST_ENV_NAME not in os.environ:
        return False
    token, certificate = str(service_account / "token"), str(service_account / "ca.crt")
    loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]  # as above
        token_filename=token, cert_filename=certificate
    )
    loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    return True


def own_namespace(configuration: Configuration, settings: Settings, *, service_account: Path = SERVICE_ACCOUNT) -> str:
    """The namespace that we run in: $POD_NAMESPACE, else the service account's, else the context's, else `default`.

    The service account is the pod's, or the one whose token CONFIGURATION holds; the context is that of the kubeconfig.
    """
    name = os.environ.get("POD_NAMESPACE", "")
    if not name:
        try:
            name = (service_account / "namespace").read_text().strip()
        except OSError:
            name = _namespace_of(configuration.api_key.get("BearerToken", "")) or _namespace_in(_files(settings))
    return name or "default"


def _files(settings: Settings) -> str:
    """Kubeconfig files to merge; empty: none."""
    return settings.kubeconfig or os.environ.get("KUBECONFIG", "")


def _namespace_in(files: str) -> str:
    """The namespace of the current context of the kubeconfig in FILES; empty: it names none."""
    if not files:
        return ""
    try:
        _, current = list_kube_config_contexts(config_file=files)  # type: ignore[no-untyped-call]  # as above
        return str(current["context"].get("namespace") or "")
    except _FAULTS:  # replaced since it was loaded
        return ""


def _namespace_of(token: str) -> str:
    """The namespace of the service account that TOKEN stands for; empty: it is not one of a service account.

    https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
    """
    parts = token.rpartition(" ")[2].split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        subject = str(claims["sub"]).split(":")
    except (ValueError, KeyError, TypeError):
        return ""
    return subject[2] if len(subject) == 4 and subject[:2] == ["system", "serviceaccount"] else ""

"""Where the cluster is and who we are there, through the official client's loaders."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_kube_config
from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME, InClusterConfigLoader

from edge.control.kubernetes.errors import ConfigurationError

if TYPE_CHECKING:
    from edge.settings import Settings

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_IDLE_CONNECTIONS = 32


def load(settings: Settings, *, service_account: Path = SERVICE_ACCOUNT) -> Configuration:
    """Read the configuration afresh: `--kubeconfig`, else $KUBECONFIG, else the pod's service account.

    Credentials are read again too (token files, exec plugins), so this is what to call after a 401.

    Raises:
        ConfigurationError: there is none, or it cannot be used.
    """
    configuration = Configuration()
    files = settings.kubeconfig or os.environ.get("KUBECONFIG", "")
    try:
        if files:
            load_kube_config(  # type: ignore[no-untyped-call]  # the client is untyped
                config_file=files, client_configuration=configuration, persist_config=False
            )
        elif SERVICE_HOST_ENV_NAME in os.environ:
            token, certificate = str(service_account / "token"), str(service_account / "ca.crt")
            loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]  # as above
                token_filename=token, cert_filename=certificate
            )
            loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
        else:
            raise ConfigurationError(
                "no cluster to watch: give --manifests or --kubeconfig, set KUBECONFIG,"
                " or run in a pod with a service account"
            )
    except (ConfigException, OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{files or 'service account'}: {error}") from error
    configuration.retries = False  # who retries, and when, is decided by the caller
    configuration.keep_alive = True  # a host that has vanished is noticed by the kernel
    configuration.connection_pool_maxsize = _IDLE_CONNECTIONS
    return configuration


def own_namespace(configuration: Configuration | None = None, *, service_account: Path = SERVICE_ACCOUNT) -> str:
    """The namespace that we run in: $POD_NAMESPACE, else the service account's, else `default`.

    The service account is the pod's, or the one whose token CONFIGURATION (of a kubeconfig) holds.
    """
    name = os.environ.get("POD_NAMESPACE", "")
    if not name:
        try:
            name = (service_account / "namespace").read_text().strip()
        except OSError:
            name = _namespace_of(configuration.api_key.get("BearerToken", "")) if configuration is not None else ""
    return name or "default"


def _namespace_of(token: str) -> str:
    """The namespace of the service account that TOKEN stands for; empty: it stands for somebody else.

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

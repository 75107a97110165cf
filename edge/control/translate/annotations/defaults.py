"""Process-wide values beneath the annotations: settings of the process under the names that ingress-nginx has for
them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Defaults
    from edge.settings import Settings

CROSS_NAMESPACE: Final = "allow-cross-namespace-resources"
FLAGS: Final = {
    "allow-snippet-annotations": "allow_snippet_annotations",
    "ssl-redirect": "ssl_redirect",
    "hsts": "hsts",
    "global-allowed-response-headers": "global_allowed_response_headers",
    "proxy-body-size": "proxy_body_size",
    "proxy-request-buffering": "proxy_request_buffering",
    "client-body-buffer-size": "client_body_buffer_size",
    "proxy-buffering": "proxy_buffering",
    "proxy-buffers-number": "proxy_buffers_number",
    "proxy-buffer-size": "proxy_buffer_size",
    "proxy-max-temp-file-size": "proxy_max_temp_file_size",
}
"""Name of the ConfigMap key in ingress-nginx, and our setting for it."""
ADMISSION: Final = {
    "annotations-risk-level": "annotations_risk_level",
    "annotation-value-word-blocklist": "annotation_value_word_blocklist",
    "strict-validate-path-type": "strict_validate_path_type",
    CROSS_NAMESPACE: "allow_cross_namespace_resources",
}
"""The same for keys that decide whether an Ingress is allowed at all, and what it may name."""


def defaults_of(settings: Settings) -> Defaults:
    """The values of SETTINGS."""
    return {
        name: (_text(getattr(settings, setting)), f"--{setting.replace('_', '-')}")
        for name, setting in (FLAGS | ADMISSION).items()
    }


def _text(value: object) -> str:
    """VALUE as an annotation has it."""
    return ",".join(value) if isinstance(value, tuple) else str(value).lower()

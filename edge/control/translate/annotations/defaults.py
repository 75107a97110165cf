"""Process-wide values beneath the annotations: settings of the process under the names that ingress-nginx has for
them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Defaults
    from edge.settings import Settings

FLAGS: Final = {
    "allow-snippet-annotations": "allow_snippet_annotations",
    "ssl-redirect": "ssl_redirect",
    "hsts": "hsts",
}
"""Name of the ConfigMap key in ingress-nginx, and our setting for it."""


def defaults_of(settings: Settings) -> Defaults:
    """The values of SETTINGS."""
    return {
        name: (str(getattr(settings, setting)).lower(), f"--{setting.replace('_', '-')}")
        for name, setting in FLAGS.items()
    }

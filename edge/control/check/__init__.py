"""`edge check`: the routes of manifests, of a cluster or of values of ingress-nginx's chart, and all problems.

Rules of this package:
- The verdict is that of the control plane: the same reading, store and compiler. Nothing is served or written.
- The output is the same for the same input, whatever its order.

Exit status: 0; 1: there is an error. Warnings alone, and annotations or keys that Edge honours with a difference or not
at all, are none.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edge.control.api.errors import ConfigurationError, KubernetesError
from edge.control.check import reports, values
from edge.control.check.checked import Checked
from edge.control.check.support import Usage
from edge.control.kinds.problems import Severity
from edge.options import OptionError
from edge.table import explaining

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.settings import Settings

TEXT, JSON, JUNIT = "text", "json", "junit"
FORMATS = (TEXT, JSON, JUNIT)


def run(paths: Sequence[Path], settings: Settings, *, form: str = TEXT, explain: Sequence[str] = ()) -> int:
    """Print what is at PATHS, or in the cluster of SETTINGS if there are none; the exit status.

    FORM: one of FORMATS. EXPLAIN: a host and a path; only the route that takes a request for them is shown.

    Raises:
        OptionError: the cluster cannot be read.
    """
    manifests, found = values.parted([str(path) for path in paths])
    config = next((one for one in found if one.config is not None), None) if not settings.configmap else None
    try:
        checked = Checked(manifests, settings, from_cluster=not paths, values=config)
    except (ConfigurationError, KubernetesError) as error:
        raise OptionError(f"the cluster cannot be read: {error}") from error
    if explain:
        sys.stdout.writelines(f"{line}\n" for line in explaining.lines(checked.content, *explain))
        return 0
    config_map = checked.config_map() if config is None else None
    usage = Usage(checked.ingresses(), config_map, found, settings)
    sys.stdout.writelines(f"{line}\n" for line in reports.lines(form, checked, usage))
    return 1 if checked.severities[Severity.ERROR] else 0

"""A small Kubernetes API server in one process, over real HTTP(S), for tests and benchmarks.

What it has: list with pages and selectors, watch with bookmarks and a bounded history, resourceVersions with conflicts,
`/status`, merge patches, Leases and Events as strictly checked as by a real server, discovery enough for kubectl,
tokens, RBAC, and faults on demand. What it has not: admission, validation of other objects, garbage collection (except
of namespaces), other controllers.
"""

from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.rbac import Rules
from tests.support.fakeapi.server import FakeAPI
from tests.support.fakeapi.store import Store

__all__ = ["FakeAPI", "Fault", "Rules", "Store"]

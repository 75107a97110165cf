"""The order in which policies act, for tools: that of `edge.data.policies.ORDER`, which a test verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.table.policies.policy import Policy

_NAMES: Final = """
ClientCertificate BodyLimit Closed ServerSnippet ClientBlocks AppRoot WwwRedirect Cors CorsFilter Snippet
LocationSnippet RedirectTo RegexRewrite HttpsRedirect Redirect ClientLimits SourceRanges BasicAuth DigestAuth
ExternalAuth SatisfyAny SignIn Canary SessionBackend HashBy Affinity Rewrite UpstreamHost ConnectionField OldHttp
RequestHeaders FastCgi Mirror ErrorPages CookieChange LocationChange ResponseHeaders CustomHeaders Hsts Compression
RequestBuffering ResponseBuffering ResponseHead ResponseRate Timeouts Deadline Retry Tracing NoAccessLog
"""
NAMES: Final = tuple(_NAMES.split())
"""Names of the records."""
_RANKS: Final = {name: rank for rank, name in enumerate(NAMES)}


def ordered(policies: Iterable[Policy]) -> list[Policy]:
    """POLICIES in the order in which they act."""
    return sorted(policies, key=lambda policy: _RANKS.get(type(policy).__name__, len(_RANKS)))

"""Authentication by another server."""

from __future__ import annotations

from edge.table.policies.policy import Policy
from edge.table.remotes import remote_of


class ExternalAuth(Policy, frozen=True, tag=True):
    """Requests pass if an authentication server answers 2xx; its 401 and 403 go to the client.

    Texts with variables are those of `edge.table.variables`.
    """

    secrets = frozenset({"set_headers"})

    remote: str = ""
    """Key of the server (`edge.table.remotes`)."""
    secure: bool = False
    """Whether it is asked over TLS. Its certificate is not verified."""
    host: str = ""
    """The Host that it gets, with variables."""
    target: str = "/"
    """Path and query that it gets, with variables."""
    method: str = ""
    """Of the request to it; empty: GET. Where there is one, it gets X-Original-URI and X-Scheme, too."""
    redirect: str = "$request_uri"
    """X-Auth-Request-Redirect, with variables."""
    set_headers: tuple[tuple[str, str], ...] = ()
    """Further fields that it gets, with variables; an empty value: it gets no such field."""
    response_headers: tuple[str, ...] = ()
    """Fields of its answer that the endpoint gets in place of the client's."""
    always_set_cookie: bool = False
    """Whether the client gets its cookies with any response, errors included."""
    cache_key: str = ""
    """The key of cached answers, with variables: an answer is used for requests of the same route with the same key.
    Empty: not cached."""
    cache_times: tuple[tuple[int, float], ...] = ()
    """Seconds for which an answer with a status is kept; status 0: any other."""

    def remotes(self) -> tuple[str, ...]:
        """As `Policy`."""
        return (self.remote,)

    def summary(self) -> str:
        """As `Policy`."""
        host, port = remote_of(self.remote)
        name = f"[{host}]" if ":" in host else host
        url = f"{'https' if self.secure else 'http'}://{name}:{port}{self.target}"
        return f"only clients that {url} lets in" + (", answers kept" if self.cache_key else "")


class SignIn(Policy, frozen=True, tag=True):
    """Instead of 401 the client is redirected to a page where it can sign in."""

    location: str = ""
    """With variables."""

    def summary(self) -> str:
        """As `Policy`."""
        return f"redirect (302) to {self.location} instead of 401"

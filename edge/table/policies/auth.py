"""Authentication by name and password (RFC 7617, RFC 7616), and its combination with other checks."""

from __future__ import annotations

from edge.table.policies.policy import Policy, count


class BasicAuth(Policy, frozen=True, tag=True):
    """Requests without the name and password of one of USERS are answered 401.

    Endpoints do not get the Authorization field.
    """

    secrets = frozenset({"users"})

    realm: str = ""
    users: tuple[tuple[str, str], ...] = ()
    """Names, and hashes of passwords as `edge.table.users` reads them."""

    def summary(self) -> str:
        """As `Policy`."""
        return f'Basic authentication for "{self.realm}", {count(self.users, "user")}'


class DigestAuth(Policy, frozen=True, tag=True):
    """As `BasicAuth`, by Digest."""

    secrets = frozenset({"users"})

    realm: str = ""
    users: tuple[tuple[str, str], ...] = ()
    """Names, and MD5 of `user:realm:password` in hexadecimal digits."""

    def summary(self) -> str:
        """As `Policy`."""
        return f'Digest authentication for "{self.realm}", {count(self.users, "user")}'


class SatisfyAny(Policy, frozen=True, tag=True):
    """A client must pass one of the checks by address or by name; without this policy all."""

    def summary(self) -> str:
        """As `Policy`."""
        return "one of the checks of clients is enough"

"""The CGI variables that endpoints that speak FastCGI get."""

from __future__ import annotations

from edge.table.policies.policy import Policy, count


class FastCgi(Policy, frozen=True, tag=True):
    """Endpoints that speak FastCGI get a request as CGI variables: nginx's, and `parameters` over them."""

    index: str = ""
    """Appended to the name of the script where the path ends with a slash."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Name and value, which may have variables (`edge.table.variables.FASTCGI`)."""

    def summary(self) -> str:
        """As `Policy`."""
        index = f" with index {self.index}" if self.index else ""
        own = f", {count(self.parameters, 'parameter')} of its own" if self.parameters else ""
        return f"requests are passed on by FastCGI{index}{own}"

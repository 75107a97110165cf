"""Answers of the API other than success."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


class StatusError(Exception):
    """An answer of the API other than success."""

    def __init__(self, code: int, reason: str, message: str, *, retry_after: float | str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after

    def body(self) -> Object:
        """The `Status` object that a client gets."""
        known = isinstance(self.retry_after, int | float)
        details = {"details": {"retryAfterSeconds": int(self.retry_after or 0)}} if known else {}
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "code": self.code,
            **details,
        }

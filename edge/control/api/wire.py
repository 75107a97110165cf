"""The envelope of API answers: just the fields that list+watch needs.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from edge.control.kinds.objects import Key


class Metadata(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """`metadata` of any object."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.namespace, self.name


class Partial(msgspec.Struct, gc=False, frozen=True):
    """Any object, of which only the metadata is looked at."""

    metadata: Metadata = Metadata()


class ListMetadata(
    msgspec.Struct, rename={"resource_version": "resourceVersion", "continue_": "continue"}, frozen=True
):
    """`metadata` of a page."""

    resource_version: str = ""
    continue_: str = ""


class Page(msgspec.Struct, frozen=True):
    """A page of a list. Items stay undecoded, so that a bad one does not affect the others."""

    metadata: ListMetadata = ListMetadata()
    items: list[msgspec.Raw] | None = None


class Event(msgspec.Struct, frozen=True):
    """A line of a watch."""

    type: str
    object: msgspec.Raw


class StatusDetails(msgspec.Struct, rename="camel", frozen=True):
    """`details` of a `Status`."""

    retry_after_seconds: int = 0


class Status(msgspec.Struct, frozen=True):
    """The API server's answer when it refuses a request."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: StatusDetails | None = None


decode_page = msgspec.json.Decoder(Page).decode
decode_event = msgspec.json.Decoder(Event).decode
decode_partial = msgspec.json.Decoder(Partial).decode
decode_status = msgspec.json.Decoder(Status).decode

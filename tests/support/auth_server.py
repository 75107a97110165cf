"""An authentication server that knows its users by a cookie, and remembers what it was asked.

session=USER    200 with `X-User: USER`, and a new cookie
session=banned  403
session=broken  no answer
anything else   401 with a challenge
"""

from __future__ import annotations

from tests.support.backends import Listener, Peer, Request, body_pieces, read_head


class AuthServer(Listener):
    """A context manager."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        super().__init__(host)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def last(self) -> dict[str, str]:
        """The fields of the last request, by names in lower case."""
        return {name.lower(): value for name, value in self.requests[-1].fields}

    def serve(self, peer: Peer) -> None:
        while True:
            request = read_head(peer)
            request.body = b"".join(body_pieces(peer, request))
            self.requests.append(request)
            user = (request.get("cookie") or "").partition("session=")[2].partition(";")[0]
            if user == "broken":
                return
            if user == "banned":
                peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nbanned")
            elif user:
                fields = f"X-User: {user}\r\nSet-Cookie: seen={user}; Path=/\r\n".encode()
                # An answer that sets a cookie is not kept; /plain sets none.
                fields = fields.partition(b"Set-Cookie")[0] if request.target.startswith("/plain") else fields
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + fields + b"\r\nok")
            else:
                challenge = b'WWW-Authenticate: Bearer realm="auth"\r\nSet-Cookie: csrf=1\r\n'
                peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n" + challenge + b"\r\nlogin")

# cython: language_level=3
"""The lines of streams in the access log: one for each session that has ended, in the format of `--log-format-stream`.

A line is put into the buffer of the access log in one pass over the parts of its format. Only the address in it comes
from a client, so nothing has to be escaped.
"""

from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec

from edge.data.observe._format cimport AccessLines

from edge.table import variables
from edge.table.templates import parse

cdef enum Op:
    O_BYTES_RECEIVED
    O_BYTES_SENT
    O_INGRESS_NAME
    O_MSEC
    O_NAMESPACE
    O_PROTOCOL
    O_PROXY_UPSTREAM_NAME
    O_REMOTE_ADDR
    O_SESSION_TIME
    O_STATUS
    O_TIME_ISO8601
    O_TIME_LOCAL
    O_UPSTREAM_ADDR
    O_UPSTREAM_CONNECT_TIME

cdef dict ops = {
    "bytes_received": O_BYTES_RECEIVED,
    "bytes_sent": O_BYTES_SENT,
    "ingress_name": O_INGRESS_NAME,
    "msec": O_MSEC,
    "namespace": O_NAMESPACE,
    "protocol": O_PROTOCOL,
    "proxy_upstream_name": O_PROXY_UPSTREAM_NAME,
    "remote_addr": O_REMOTE_ADDR,
    "session_time": O_SESSION_TIME,
    "status": O_STATUS,
    "time_iso8601": O_TIME_ISO8601,
    "time_local": O_TIME_LOCAL,
    "upstream_addr": O_UPSTREAM_ADDR,
    "upstream_connect_time": O_UPSTREAM_CONNECT_TIME,
}


cdef class StreamLog:
    """Adds lines to the access log."""

    def __init__(self, access_log, text, *, as_json):
        """By the template TEXT, or AS_JSON."""
        self.access_log = access_log
        self.lines = access_log.lines
        self.as_json = as_json
        self.parts = _parts(text)

    def tune(self, settings, parameters):
        """Use SETTINGS from now on."""
        self.parts = _parts(settings.log_format_stream)

    cpdef add(
        self, str protocol, str address, int status, double seconds, double connecting,
        unsigned long long received, unsigned long long sent, str endpoint, str upstream, object owner,
    ):
        """A session has ended.

        PROTOCOL: `tcp`, `tls` or `udp`. ADDRESS: of the client. CONNECTING: seconds until an endpoint took the
        connection, or none did; -1: none was asked. RECEIVED, SENT: bytes from and to the client. ENDPOINT: empty:
        there was none. UPSTREAM: the name of a Service's port. OWNER: of the stream, an
        `edge.table.records.Owner`.
        """
        cdef AccessLines lines = self.lines
        if not lines.streams:
            return
        if lines.is_full():
            lines.dropped += 1
            return
        if self.as_json:
            self.put_json(protocol, address, status, seconds, received, sent, endpoint, upstream, owner)
        else:
            self.put_line(protocol, address, status, seconds, connecting, received, sent, endpoint, upstream, owner)
        if lines.end > lines.due:
            self.access_log.flush()

    cdef int put_line(
        self, str protocol, str address, int status, double seconds, double connecting,
        unsigned long long received, unsigned long long sent, str endpoint, str upstream, object owner,
    ) except -1:
        cdef AccessLines out = self.lines
        cdef int op
        cdef timespec t
        for part in self.parts:
            if isinstance(part, bytes):
                out.put_bytes(<bytes>part)
                continue
            op = part
            if op == O_BYTES_RECEIVED:
                out.put_number(received)
            elif op == O_BYTES_SENT:
                out.put_number(sent)
            elif op == O_INGRESS_NAME:
                out.put_str(owner.name)
            elif op == O_NAMESPACE:
                out.put_str(owner.namespace)
            elif op == O_MSEC:
                clock_gettime(CLOCK_REALTIME, &t)
                out.put_seconds(t.tv_sec + t.tv_nsec * 1e-9, 3)
            elif op == O_PROTOCOL:
                out.put(b"UDP" if protocol == "udp" else b"TCP", 3)
            elif op == O_PROXY_UPSTREAM_NAME:
                out.put_str(upstream)
            elif op == O_REMOTE_ADDR:
                out.put_str(address)
            elif op == O_SESSION_TIME:
                out.put_seconds(seconds, 3)
            elif op == O_STATUS:
                out.put_number(status)
            elif op == O_TIME_ISO8601 or op == O_TIME_LOCAL:
                out.put_time(op == O_TIME_ISO8601)
            elif op == O_UPSTREAM_ADDR:
                out.put_str(endpoint or "-")
            elif connecting >= 0:
                out.put_seconds(connecting, 3)
            else:
                out.put(b"-", 1)
        out.put(b"\n", 1)
        return 0

    cdef int put_json(
        self, str protocol, str address, int status, double seconds,
        unsigned long long received, unsigned long long sent, str endpoint, str upstream, object owner,
    ) except -1:
        cdef AccessLines out = self.lines
        out.put(b'{"time":"', 9)
        out.put_time(True)
        out.end -= 6
        out.put(b'Z","protocol":"', 15)
        out.put_str(protocol.upper())
        out.put(b'","remote_addr":"', 17)
        out.put_str(address)
        out.put(b'","status":', 11)
        out.put_number(status)
        out.put(b',"session_time":', 16)
        out.put_seconds(seconds, 3)
        out.put(b',"bytes_received":', 18)
        out.put_number(received)
        out.put(b',"bytes_sent":', 14)
        out.put_number(sent)
        out.put(b',"kind":"', 9)
        out.put_str(owner.kind)
        out.put(b'","namespace":"', 15)
        out.put_str(owner.namespace)
        out.put(b'","ingress":"', 13)
        out.put_str(owner.name)
        out.put(b'","proxy_upstream_name":"', 25)
        out.put_str(upstream)
        out.put(b'","upstream_addr":"', 19)
        out.put_str(endpoint)
        out.put(b'"}\n', 3)
        return 0


cdef list _parts(text):
    """The parts of the template TEXT: literal bytes, and numbers of variables."""
    return [part.encode() if isinstance(part, str) else ops[part.name] for part in parse(text, variables.STREAM).parts]

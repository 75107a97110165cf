# cython: language_level=3
"""Formats of the access log, compiled: a line is one pass over the parts of its format.

Rules of this file:
- Variables of most formats are written here, in C, without Python objects. All others are functions of the exchange.
- Variables of the route are the same for all its requests: such runs of a format are made once for each route
  (`LogName`).
- A part is literal text and the variable behind it. `edge.data.observe.formats` makes the parts of a text.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdlib cimport calloc, free
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec

from edge.data.exchange._outcome cimport Outcome
from edge.data.http._message cimport Message
from edge.data.observe._lines cimport Lines
cimport edge.data.exchange.client as c_client
cimport edge.data.exchange.exchange as c_exchange

from edge.data.exchange.variables import remote_user

cdef enum Op:
    O_NOTHING
    O_FIELD
    O_RUN
    O_KEPT
    O_CALL
    O_REMOTE_ADDR
    O_REMOTE_USER
    O_TIME_LOCAL
    O_TIME_ISO8601
    O_MSEC
    O_REQUEST
    O_REQUEST_METHOD
    O_REQUEST_URI
    O_SERVER_PROTOCOL
    O_SCHEME
    O_HTTP_HOST
    O_HOST
    O_STATUS
    O_BODY_BYTES_SENT
    O_BYTES_SENT
    O_REQUEST_LENGTH
    O_REQUEST_TIME
    O_REQ_ID
    O_UPSTREAM_ADDR
    O_UPSTREAM_STATUS
    O_UPSTREAM_RESPONSE_LENGTH
    O_UPSTREAM_RESPONSE_TIME
    O_UPSTREAM_CONNECT_TIME
    O_UPSTREAM_HEADER_TIME

NOTHING = O_NOTHING
FIELD = O_FIELD
RUN = O_RUN
KEPT = O_KEPT
CALL = O_CALL
OPS = {
    "remote_addr": O_REMOTE_ADDR,
    "the_real_ip": O_REMOTE_ADDR,
    "remote_user": O_REMOTE_USER,
    "time_local": O_TIME_LOCAL,
    "time_iso8601": O_TIME_ISO8601,
    "msec": O_MSEC,
    "request": O_REQUEST,
    "request_method": O_REQUEST_METHOD,
    "request_uri": O_REQUEST_URI,
    "server_protocol": O_SERVER_PROTOCOL,
    "scheme": O_SCHEME,
    "pass_access_scheme": O_SCHEME,
    "host": O_HOST,
    "http_host": O_HTTP_HOST,
    "best_http_host": O_HTTP_HOST,
    "status": O_STATUS,
    "body_bytes_sent": O_BODY_BYTES_SENT,
    "bytes_sent": O_BYTES_SENT,
    "request_length": O_REQUEST_LENGTH,
    "request_time": O_REQUEST_TIME,
    "req_id": O_REQ_ID,
    "request_id": O_REQ_ID,
    "upstream_addr": O_UPSTREAM_ADDR,
    "upstream_status": O_UPSTREAM_STATUS,
    "upstream_response_length": O_UPSTREAM_RESPONSE_LENGTH,
    "upstream_response_time": O_UPSTREAM_RESPONSE_TIME,
    "upstream_connect_time": O_UPSTREAM_CONNECT_TIME,
    "upstream_header_time": O_UPSTREAM_HEADER_TIME,
}
"""Variables that are put in C, by name."""


cdef class LogName:
    """The route of a request, for log lines. `route`: the values for the runs of a format,
    `edge.data.observe.formats.Named`. `unowned`: no Ingress asks for it.
    """

    def __init__(self, object route, *, bint unowned):
        self.route = route
        self.unowned = unowned


cdef class Format:
    """A text with variables as a sequence of parts."""

    def __init__(self, parts, *, int escape, tuple runs=None, tuple kept=None):
        """PARTS: literal text, one of the numbers above, and its argument: of FIELD the name of a request's field, of RUN
        and KEPT a number, of CALL a function of the exchange. RUNS: functions of a `LogName`, None: there are none. KEPT: whether of the
        endpoint's response, and the name, for each field of responses that lines have; None: they have none.
        """
        cdef int i
        cdef bytes text
        self.escape = escape
        self.runs = runs or ()
        self.kept = kept
        self.holds = []
        self.parts = <Part *>calloc(max(len(parts), 1), sizeof(Part))
        if self.parts == NULL:
            raise MemoryError
        for i, (text, op, argument) in enumerate(parts):
            self.holds.append((text, argument))
            self.parts[i].text = PyBytes_AS_STRING(text)
            self.parts[i].size = PyBytes_GET_SIZE(text)
            self.parts[i].op = op
            if op == O_RUN or op == O_KEPT:
                self.parts[i].number = argument
            else:
                self.parts[i].argument = <void *>argument
        self.count = len(parts)

    def __dealloc__(self):
        free(self.parts)

    cdef tuple texts_of(self, LogName name):
        """The runs for NAME."""
        if name.format is not self:
            name.texts = tuple([run(name) for run in self.runs])
            name.format = self
        return name.texts

    cdef int put_line(self, Lines out, c_exchange.Exchange exchange, LogName name) except -1:
        """Append the line of EXCHANGE, which the route NAME took, to OUT."""
        cdef int i, op
        cdef Part *part
        cdef c_client.Client client = exchange.client
        cdef Message request = client.request
        cdef Outcome outcome = exchange.outcome
        cdef tuple texts = self.texts_of(name)
        cdef timespec t
        for i in range(self.count):
            part = self.parts + i
            if part.size:
                out.put(part.text, part.size)
            op = part.op
            if op == O_FIELD:
                out.put_value(request.get(<bytes>part.argument), self.escape)
            elif op == O_RUN:
                out.put_bytes(<bytes>texts[part.number])
            elif op == O_KEPT:
                out.put_value(None if outcome.kept is None else <bytes>outcome.kept[part.number], self.escape)
            elif op == O_CALL:
                out.put_value((<object>part.argument)(exchange), self.escape)
            elif op == O_REMOTE_ADDR:
                out.put_str(client.address)
            elif op == O_TIME_LOCAL:
                out.put_time(False)
            elif op == O_TIME_ISO8601:
                out.put_time(True)
            elif op == O_MSEC:
                clock_gettime(CLOCK_REALTIME, &t)
                out.put_seconds(t.tv_sec + t.tv_nsec * 1e-9, 3)
            elif op == O_REQUEST:
                self.put_request(out, exchange)
            elif op == O_REQUEST_METHOD:
                out.put_value(request.method or None, self.escape)
            elif op == O_REQUEST_URI:
                out.put_value(request.target if request.method else outcome.line, self.escape)
            elif op == O_SERVER_PROTOCOL:
                if request.method:
                    out.put(b"HTTP/", 5)
                    out.put_version(request.version)
                else:
                    out.put_value(None, self.escape)
            elif op == O_SCHEME:
                if client.secure:
                    out.put(b"https", 5)
                else:
                    out.put(b"http", 4)
            elif op == O_HTTP_HOST:
                out.put_value(client.host or None, self.escape)
            elif op == O_HOST:
                self.put_host(out, client.host)
            elif op == O_STATUS:
                out.put_number(outcome.status)
            elif op == O_BODY_BYTES_SENT:
                out.put_number(outcome.content_sent)
            elif op == O_BYTES_SENT:
                out.put_number(outcome.sent)
            elif op == O_REQUEST_LENGTH:
                out.put_number(outcome.received)
            elif op == O_REQUEST_TIME:
                out.put_seconds(outcome.duration, 3)
            elif op == O_REQ_ID:
                out.put_value(outcome.request_id or None, self.escape)
            elif op == O_REMOTE_USER:
                out.put_value((remote_user(exchange) or None) if request.get(b"authorization") else None, self.escape)
            elif op == O_NOTHING:
                pass
            elif not outcome.endpoint:
                out.put_value(None, self.escape)
            elif outcome.earlier is None:
                self.put_one(out, outcome, op)
            else:
                self.put_list(out, outcome, op)
        return out.put(b"\n", 1)

    cdef int put_request(self, Lines out, c_exchange.Exchange exchange) except -1:
        """The request line, or the first line of a malformed request."""
        cdef Message request = exchange.client.request
        if not request.method:
            return out.put_value(exchange.outcome.line, self.escape)
        out.put_bytes(request.method)
        out.put(b" ", 1)
        out.put_value(request.target, self.escape)
        out.put(b" HTTP/", 6)
        return out.put_version(request.version)

    cdef int put_host(self, Lines out, bytes host) except -1:
        """The name in HOST in lower case, without the port; nothing in it needs to be escaped."""
        cdef Py_ssize_t i, n = len(host)
        cdef const char *p = PyBytes_AS_STRING(host)
        cdef char *to
        cdef bint within = False
        if n == 0:
            return out.put_value(None, self.escape)
        to = out.room(n)
        for i in range(n):
            if p[i] == 58 and not within:  # ":", of the port
                break
            within = p[i] == 91 or (within and p[i] != 93)  # between the brackets of an IPv6 address
            to[i] = p[i] + 32 if 65 <= p[i] <= 90 else p[i]
        else:
            i = n
        out.end += i
        return 0

    cdef int put_one(self, Lines out, Outcome outcome, int op) except -1:
        """The value of the variable OP for a single attempt."""
        cdef double seconds
        if op == O_UPSTREAM_ADDR:
            return out.put_str(outcome.endpoint)
        if op == O_UPSTREAM_STATUS:
            return out.put_number(outcome.upstream_status) if outcome.upstream_status else out.put(b"-", 1)
        if op == O_UPSTREAM_RESPONSE_LENGTH:
            return out.put_number(outcome.upstream_content)
        if op == O_UPSTREAM_RESPONSE_TIME:
            return out.put_seconds(outcome.upstream_seconds, 3)
        seconds = outcome.connect_seconds if op == O_UPSTREAM_CONNECT_TIME else outcome.head_seconds
        return out.put_seconds(seconds, 3) if seconds >= 0 else out.put(b"-", 1)

    cdef int put_list(self, Lines out, Outcome outcome, int op) except -1:
        """The value of the variable OP for several attempts, listed as in nginx."""
        cdef Outcome one = Outcome()
        cdef bint first = True
        last = (outcome.endpoint, outcome.upstream_seconds, outcome.upstream_status, outcome.connect_seconds, outcome.head_seconds)
        for attempt in (*outcome.earlier, last):
            if not first:
                out.put(b", ", 2)
            first = False
            one.endpoint, one.upstream_seconds, one.upstream_status, one.connect_seconds, one.head_seconds = attempt
            one.upstream_content = outcome.upstream_content if attempt is last else 0
            self.put_one(out, one, op)
        return 0


cdef class JsonFormat(Format):
    """An object a line, whose members have types (docs/access-log.md, "JSON")."""

    cdef int put_line(self, Lines out, c_exchange.Exchange exchange, LogName name) except -1:
        """As `Format`."""
        cdef c_client.Client client = exchange.client
        cdef Message request = client.request
        cdef Outcome outcome = exchange.outcome
        out.put(b'{"time":"', 9)
        out.put_time(True)
        out.end -= 6
        out.put(b'Z","remote_addr":"', 18)
        out.put_str(client.address)
        out.put(b'","method":', 11)
        out.put_quoted(request.method or None)
        out.put(b',"host":', 8)
        out.put_quoted(request.host if request.method else None)
        out.put(b',"target":', 10)
        out.put_quoted(request.target if request.method else outcome.line)
        if request.method:
            out.put(b',"protocol":"HTTP/', 18)
            out.put_version(request.version)
            out.put(b'"', 1)
        else:
            out.put(b',"protocol":null', 16)
        out.put(b',"status":', 10)
        out.put_number(outcome.status)
        out.put(b',"body_bytes_sent":', 19)
        out.put_number(outcome.content_sent)
        out.put(b',"request_length":', 18)
        out.put_number(outcome.received)
        out.put(b',"request_time":', 16)
        out.put_seconds(outcome.duration, 6)
        out.put(b',"referer":', 11)
        out.put_quoted(request.get(b"referer"))
        out.put(b',"user_agent":', 14)
        out.put_quoted(request.get(b"user-agent"))
        out.put(b',"request_id":', 14)
        out.put_quoted(outcome.request_id)
        out.put_bytes(<bytes>self.texts_of(name)[0])
        if outcome.endpoint:
            out.put(b',"upstream_addr":"', 18)
            out.put_str(outcome.endpoint)
            out.put(b'","upstream_status":', 20)
            if outcome.upstream_status:
                out.put_number(outcome.upstream_status)
            else:
                out.put(b"null", 4)
            out.put(b',"upstream_response_length":', 28)
            out.put_number(outcome.upstream_content)
            out.put(b',"upstream_response_time":', 26)
            out.put_seconds(outcome.upstream_seconds, 6)
            if outcome.earlier is not None:
                out.put_str(earlier(outcome.earlier))
        else:
            out.put(
                b',"upstream_addr":null,"upstream_status":null,"upstream_response_length":null,'
                b'"upstream_response_time":null',
                106,
            )
        return out.put(b"}\n", 2)


cdef str earlier(list attempts):
    """The ATTEMPTS before the last one, as a member."""
    texts = ['{"addr":"%s","status":%s,"response_time":%.6f}' % (one[0], one[2] or "null", one[1]) for one in attempts]
    return ',"upstream_earlier":[' + ",".join(texts) + "]"


cdef class AccessLines(Lines):
    """Lines of exchanges.

    - `format`: what makes them. `kept`: see `Format`.
    - `on`: whether there are lines of exchanges; `streams`: whether there are lines of streams.
    - `skips`: whether an exchange has no line; None: all have one. `unmatched`: whether requests that no Ingress takes
      have one, too.
    """

    def __init__(self, Format made not None):
        self.use(made)
        self.on = self.unmatched = self.streams = True

    def use(self, Format made not None):
        """Make lines by MADE from now on."""
        self.format = made
        self.kept = made.kept

    cpdef bint add(self, c_exchange.Exchange exchange, LogName name) except -1:
        """Add the line of EXCHANGE, which the route NAME took; returns whether the lines should be written now."""
        if not self.on or (name.unowned and not self.unmatched):
            return False
        if self.skips is not None and self.skips(exchange):
            return False
        if self.is_full():
            self.dropped += 1
            return False
        self.format.put_line(self, exchange, name)
        return self.end > self.due

    def append(self, bytes line not None):
        """Add LINE, of a stream, which ends with a line feed; as `add`."""
        if not self.streams:
            return False
        if self.is_full():
            self.dropped += 1
            return False
        self.put_bytes(line)
        return self.end > self.due

# cython: language_level=3
"""The outcome of an exchange, for counters, the access log and spans.

Rules of this file:
- It is plain data with times, filled during the exchange and read at its end. Its readers do not change it.
- Times are those of CLOCK_MONOTONIC, in seconds, as `time.monotonic` gives them.
"""

from edge.data.net._clock cimport precise_now as now

cdef enum:
    GRPC = 1000  # as `edge.table.counter_layout.GRPC`

cdef bint detailed = False


def keep_details(bint wanted):
    """Whether outcomes have the times until the connection and the head of the response from now on: two more readings
    of the clock for each request."""
    global detailed
    detailed = wanted


cdef class Outcome:
    """The outcome of the current exchange, or of the last one.

    - `status`: of the response; `grpc`: that of gRPC, below 0: it was no call, or its status is not known. `started`:
      when the request arrived; `duration`: seconds from then to the end.
    - `received`, `sent`: bytes of the request and of the response, heads included; `content_sent`: of the response's
      content.
    - `endpoint`: the address that was asked last, empty: none was. `upstream_status`, `upstream_seconds`,
      `upstream_content`: its status (0: none), its time (below 0: it has not ended, or none was asked), bytes of
      content that it sent. `earlier`: the attempts before it, as endpoint, seconds, status, and the next two; None:
      there were none.
    - `connect_seconds`, `head_seconds`: until the connection was made and until the head of the response arrived; below
      0: that did not happen, or is not measured (`keep_details`).
    - `kept`: what the access log reads of the response, which is gone when the line is made; None: nothing.
    - `line`: the first line of a malformed request, None: the request was well formed.
    """

    def __cinit__(self):
        self.request_id = b""
        self.start()

    cpdef start(self):
        """Begin with a new request, now."""
        self.started = now()
        self.duration = 0
        self.status = self.upstream_status = 0
        self.grpc = -1
        self.received = self.sent = self.content_sent = self.upstream_content = 0
        self.endpoint = ""
        self.upstream_seconds = self.connect_seconds = self.head_seconds = -1
        self.earlier = None
        self.line = None
        self.kept = None

    cpdef ask(self, str endpoint):
        """ENDPOINT is asked now."""
        self.asked = now()
        self.endpoint = endpoint
        self.upstream_seconds = self.connect_seconds = self.head_seconds = -1
        self.upstream_status = 0

    cpdef connected(self):
        """The connection to the endpoint has been made now."""
        if detailed:
            self.connect_seconds = now() - self.asked

    cpdef headed(self):
        """The head of the response has arrived now."""
        if detailed:
            self.head_seconds = now() - self.asked

    cpdef double answered(self):
        """The endpoint's answer is complete, or has failed, now; returns the time."""
        cdef double present = now()
        self.upstream_seconds = present - self.asked
        return present

    cpdef give_up(self):
        """Keep the attempt that has just failed as an earlier one: another endpoint is asked."""
        if self.earlier is None:
            self.earlier = []
        self.earlier.append(
            (self.endpoint, self.upstream_seconds, self.upstream_status, self.connect_seconds, self.head_seconds)
        )

    cpdef finish(self):
        """The exchange has ended, now."""
        self.duration = now() - self.started

    cpdef int code(self) noexcept:
        """Its statuses as one number, under which it is counted (`edge.table.counter_layout.code_of`)."""
        return self.status + GRPC * (self.grpc + 1)

    cpdef double elapsed(self):
        """Seconds since the request arrived."""
        return now() - self.started

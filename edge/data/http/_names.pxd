from libc.stdint cimport uint8_t

cdef enum Known:
    OTHER = 0
    MESSAGE      # end to end, but without meaning, or dangerous, in a trailer section
    HOST
    CONNECTION
    CONTENT_LENGTH
    TRANSFER_ENCODING
    EXPECT
    UPGRADE
    DATE
    SERVER
    X_REQUEST_ID
    X_FORWARDED_FOR
    X_FORWARDED_HOST
    STRICT_TRANSPORT_SECURITY
    HOP          # hop-by-hop, or never passed on, both ways
    EDGE         # written by Edge itself in requests
    CLAIM        # by which proxies describe a client and its way; believed of trusted peers only
    CDN          # which a CDN sets for its origin
    ACCEL        # by which applications steer nginx; not passed on in responses
    ALL_KNOWN

cdef enum:
    NAME = 1     # may stand in a field name: tchar (RFC 9110, 5.6.2)
    VALUE = 2    # may stand in a field value: VCHAR, obs-text, SP, HTAB (5.5)
    TARGET = 4   # may stand in a request target: printable ASCII without SP, "#" (RFC 9112, 3.2)
    VERB = 8     # may stand in a method as Edge takes it: A-Z, digits, "-", "_"
    HOSTNAME = 16  # may stand in a host name as Edge takes it: letters, digits, "-", ".", "_", "~"
    DIGIT = 32
    HEXDIGIT = 64
    ODD = 128    # may stand in a field name, but is no letter, digit or "-": some CGI-like servers make "_" of each
    LONGEST_KNOWN = 31  # what known names may have; `known_lengths` has a bit for each length
    MOST_FAMILIES = 16

cdef uint8_t classes[256]
cdef uint8_t lower[256]

# Which known fields are passed on, by kind of message.
cdef uint8_t in_requests[ALL_KNOWN]
cdef uint8_t in_bare_requests[ALL_KNOWN]     # without what a CDN sets
cdef uint8_t in_trusted_requests[ALL_KNOWN]  # of peers that speak for others
cdef uint8_t in_responses[ALL_KNOWN]
cdef uint8_t in_trailers[ALL_KNOWN]

cdef bint same_name(const char *a, const char *b, Py_ssize_t n) noexcept nogil
cdef uint8_t look_up(const char *p, Py_ssize_t n) noexcept nogil

# cython: language_level=3
"""The bytes that are allowed in each part of a head, and the field names that concern a proxy (RFC 9110, RFC 9112).

Rules of this file:
- Everything is a table, filled once: classes of bytes, meanings of names, and which fields are passed on in which kind
  of message.
- A name that is not known here is passed on as it is.
- Applications must not get fields about a client that the client has set itself: CLAIMS and CLAIM_FAMILIES are the list
  of such fields, CDN and CDN_FAMILIES that of those that a CDN sets for its origin.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    TABLE = 256  # as many as `slot` gives

cdef struct Entry:
    uint64_t first
    uint64_t last
    char name[40]
    uint16_t length
    uint8_t known

cdef struct Family:
    char name[24]
    uint16_t length
    uint8_t known

cdef Entry known_names[TABLE]
cdef Family families[MOST_FAMILIES]
cdef int family_count = 0
cdef uint32_t known_lengths[256]
"""By first byte: the lengths of known names, a bit each, and in bit 0 whether a family begins with it; this decides for
most names."""

# Set by proxies about the client, its connection, its certificate, and whether it used TLS, with the programs that set
# or read them. Edge itself writes those of the family that it knows to be true.
CLAIMS = (
    b"forwarded",                                       # RFC 7239
    b"forwarded-for", b"forwarded-for-ip", b"proxy-client-ip",  # PHP and Java code that looks for the client's address
    b"x-original-for", b"x-original-host", b"x-original-port", b"x-original-prefix", b"x-original-proto",
    b"x-original-scheme",                               # ASP.NET Core, Azure Application Gateway
    b"x-host", b"x-http-host-override",                 # host of links and redirects
    b"x-script-name",                                   # prefix of WSGI applications
    b"front-end-https", b"x-front-end-https",           # Microsoft; Yii, Drupal, WordPress
    b"https", b"x-https", b"x-url-scheme", b"x-request-scheme", b"x-client-scheme", b"x-proto", b"x-protocol",
    b"x-client-proto", b"x-secure", b"x-is-secure", b"x-is-https", b"x-is-ssl", b"ssl", b"ssl-offloaded",  # Magento
    b"x-arr-ssl", b"x-arr-clientcert",                  # IIS
    b"x-appengine-https",
    b"$wscc", b"$wsis", b"$wsra", b"$wsrh", b"$wsru", b"$wssc",  # WebSphere
    b"client-cert", b"client-cert-chain",               # RFC 9440
    b"x-client-cert", b"x-client-dn", b"x-client-verify",
    b"x-envoy-external-address", b"x-envoy-internal",
)
CLAIM_FAMILIES = (b"x-forwarded", b"x-original-forwarded", b"x-ssl", b"x-tls", b"ssl-client", b"wl-proxy")
"""These names, and all that begin with one of them and a dash."""

# Of content delivery networks and hosted load balancers for the servers behind them.
CDN_NAMES = (
    b"client-ip", b"x-client-ip", b"x-cluster-client-ip", b"true-client-ip", b"akamai-origin-hop", b"cdn-loop",
    b"do-connecting-ip", b"incap-client-ip", b"x-nf-client-connection-ip", b"x-sucuri-clientip",
    b"x-vercel-ip-country", b"x-appengine-user-ip",
)
CDN_FAMILIES = (b"cf", b"cloudfront", b"fastly", b"fly", b"x-azure")


cdef inline uint64_t lowered(const char *p, Py_ssize_t n) noexcept nogil:
    """The N bytes at P, 8 at most, as a number in which letters are small. Of those that may stand in a field name no two
    others become the same, but for `^` and `~`, `_` and DEL, which known names do not have."""
    cdef uint64_t word = 0
    cdef uint32_t front, back
    if n >= 8:
        memcpy(&word, p, 8)
    elif n >= 4:
        memcpy(&front, p, 4)
        memcpy(&back, p + n - 4, 4)
        word = front | <uint64_t>back << 32
    else:
        word = <uint8_t>p[0] | <uint64_t><uint8_t>p[n >> 1] << 8 | <uint64_t><uint8_t>p[n - 1] << 16
    return word | <uint64_t>0x2020202020202020


cdef inline uint64_t lowered_end(const char *p, Py_ssize_t n) noexcept nogil:
    """The same for what `lowered` leaves of N bytes, up to 16."""
    return lowered(p + n - 8, 8) if n > 8 else 0


cdef inline uint32_t slot(uint64_t first, uint64_t last) noexcept nogil:
    """Where the search for a name begins."""
    return <uint32_t>(((first ^ last * 33) * <uint64_t>0x9E3779B97F4A7C15) >> 56)


cdef bint same_name(const char *a, const char *b, Py_ssize_t n) noexcept nogil:
    """Whether A equals B, which is in lower case."""
    cdef Py_ssize_t i = 0
    cdef uint64_t x, y
    while i + 8 <= n:  # most are in lower case, too
        memcpy(&x, a + i, 8)
        memcpy(&y, b + i, 8)
        if x != y:
            break
        i += 8
    for i in range(i, n):
        if lower[<uint8_t>a[i]] != <uint8_t>b[i]:
            return False
    return True


cdef uint8_t look_up(const char *p, Py_ssize_t n) noexcept nogil:
    """The number of the known field name P of N bytes, all of which may stand in a field name."""
    cdef uint32_t lengths = known_lengths[<uint8_t>p[0]]
    cdef uint32_t i
    cdef uint64_t first, last
    cdef Entry *entry
    if n <= LONGEST_KNOWN and lengths >> n & 1:
        first = lowered(p, n)
        last = lowered_end(p, n)
        i = slot(first, last)
        while known_names[i].length:
            entry = &known_names[i]
            if entry.length == n and entry.first == first and entry.last == last and (
                n <= 16 or same_name(p + 8, entry.name + 8, n - 16)
            ):
                return entry.known
            i = (i + 1) % TABLE
    return look_up_family(p, n) if lengths & 1 else <uint8_t>OTHER


cdef uint8_t look_up_family(const char *p, Py_ssize_t n) noexcept nogil:
    """As `look_up`, by what the name begins with."""
    cdef int i
    cdef Py_ssize_t length
    for i in range(family_count):
        length = families[i].length
        if n >= length and (n == length or p[length] == 45) and same_name(p, families[i].name, length):
            return families[i].known
    return OTHER


cdef know(bytes name, int known):
    cdef uint64_t first = lowered(PyBytes_AS_STRING(name), len(name))
    cdef uint64_t last = lowered_end(PyBytes_AS_STRING(name), len(name))
    cdef uint32_t i = slot(first, last)
    while known_names[i].length:
        i = (i + 1) % TABLE
    known_names[i].first = first
    known_names[i].last = last
    memcpy(known_names[i].name, PyBytes_AS_STRING(name), len(name))
    known_names[i].length = len(name)
    known_names[i].known = known
    for first in (name[0], name[:1].upper()[0]):
        known_lengths[<uint8_t>first] |= <uint32_t>1 << <int>len(name)


cdef know_family(bytes name, int known):
    global family_count
    memcpy(families[family_count].name, PyBytes_AS_STRING(name), len(name))
    families[family_count].length = len(name)
    families[family_count].known = known
    family_count += 1
    for first in (name[0], name[:1].upper()[0]):
        known_lengths[<uint8_t>first] |= 1


def _fill_tables():
    cdef int index
    for c in range(256):
        lower[c] = c + 32 if 65 <= c <= 90 else c
        kind = 0
        char = chr(c)
        letter = c < 128 and char.isalpha()
        digit = 48 <= c <= 57
        if letter or digit or char in "!#$%&'*+-.^_`|~":
            kind |= NAME
        if c == 9 or 32 <= c <= 126 or c >= 128:
            kind |= VALUE
        if 33 <= c <= 126 and char != "#":
            kind |= TARGET
        if 65 <= c <= 90 or digit or char in "-_":
            kind |= VERB
        if letter or digit or char in "-._~":
            kind |= HOSTNAME
        if digit:
            kind |= DIGIT
        if c < 128 and char in "0123456789abcdefABCDEF":
            kind |= HEXDIGIT
        if kind & NAME and not letter and not digit and char != "-":
            kind |= ODD
        classes[c] = kind
    for name, known in (
        (b"host", HOST), (b"connection", CONNECTION), (b"content-length", CONTENT_LENGTH),
        (b"transfer-encoding", TRANSFER_ENCODING), (b"expect", EXPECT), (b"upgrade", UPGRADE), (b"date", DATE),
        (b"server", SERVER), (b"x-request-id", X_REQUEST_ID), (b"x-forwarded-for", X_FORWARDED_FOR),
        (b"x-forwarded-host", X_FORWARDED_HOST), (b"strict-transport-security", STRICT_TRANSPORT_SECURITY),
        (b"keep-alive", HOP), (b"proxy-connection", HOP), (b"te", HOP), (b"proxy", HOP), (b"http2-settings", HOP),
        (b"proxy-authenticate", HOP), (b"proxy-authorization", HOP), (b"proxy-authentication-info", HOP),
        (b"x-real-ip", EDGE), (b"x-forwarded-port", EDGE), (b"x-forwarded-proto", EDGE), (b"x-forwarded-scheme", EDGE),
        (b"x-scheme", EDGE), (b"x-original-forwarded-for", EDGE), (b"x-original-forwarded-host", EDGE),
        # RFC 9110, 6.5.1: routing, request modifiers, authentication, control data, how content is processed
        (b"authorization", MESSAGE), (b"cookie", MESSAGE), (b"set-cookie", MESSAGE), (b"www-authenticate", MESSAGE),
        (b"authentication-info", MESSAGE), (b"cache-control", MESSAGE), (b"pragma", MESSAGE), (b"range", MESSAGE),
        (b"max-forwards", MESSAGE), (b"if-match", MESSAGE), (b"if-none-match", MESSAGE), (b"if-range", MESSAGE),
        (b"if-modified-since", MESSAGE), (b"if-unmodified-since", MESSAGE), (b"content-type", MESSAGE),
        (b"content-encoding", MESSAGE), (b"content-range", MESSAGE), (b"content-location", MESSAGE),
        (b"trailer", MESSAGE), (b"age", MESSAGE), (b"expires", MESSAGE), (b"location", MESSAGE), (b"vary", MESSAGE),
        (b"retry-after", MESSAGE), (b"origin", MESSAGE), (b"referer", MESSAGE),
        (b"x-accel-buffering", ACCEL), (b"x-accel-limit-rate", ACCEL), (b"x-accel-expires", ACCEL),
        (b"x-accel-charset", ACCEL), (b"x-accel-redirect", ACCEL),
    ):
        know(name, known)
    for name in CLAIMS:
        know(name, CLAIM)
    for name in CDN_NAMES:
        know(name, CDN)
    for name in CLAIM_FAMILIES:
        know_family(name, CLAIM)
    for name in CDN_FAMILIES:
        know_family(name, CDN)
    framing = (HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT, UPGRADE, HOP)
    for index in range(ALL_KNOWN):
        in_bare_requests[index] = index in (OTHER, MESSAGE, DATE, SERVER, STRICT_TRANSPORT_SECURITY, ACCEL)
        in_requests[index] = in_bare_requests[index] or index == CDN
        in_trusted_requests[index] = in_requests[index] or index == CLAIM
        in_responses[index] = index not in framing and index != ACCEL
        in_trailers[index] = index == OTHER


memset(known_names, 0, sizeof(known_names))
_fill_tables()

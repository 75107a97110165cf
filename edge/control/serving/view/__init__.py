"""The state of this instance as JSON, for the page and for scripts (docs/admin-api.md).

Rules of this package:
- It only reads: the state, the counters, the objects. The compiler's thread never waits for a reader.
- What may be large is made when it is requested, and cached until it changes.
- Contents of Secrets are shown nowhere. Texts of users stay data: code that writes markup escapes them.
"""

"""What an operator looks at: the state of this instance as JSON, for the page and for scripts (docs/admin-api.md).

Rules of this package:
- It only reads: the state, the counters, the objects. The compiler's thread never waits for a reader.
- What may be large is made when somebody asks for it, and kept for as long as it is true.
- Contents of Secrets are shown nowhere. Texts of users stay data: code that makes markup of them escapes them.
"""

"""HTTP messages, whatever version carries them: names, fields, the answers that Edge makes itself.

What belongs here: RFC 9110. The grammar of one version is in a package of its own (`h1`: RFC 9112).
"""

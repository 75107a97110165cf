"""The names that the Kubernetes API accepts: for each kind of name a function that returns the fault of a text.

Rules of this file:
- A function returns the reason for which the text is refused, empty if it is accepted; it never raises.
- The rules are those of k8s.io/apimachinery (util/validation), which the API server applies.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*")
_QUALIFIED: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DATA_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")
_URI_PATH: Final = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_|~`]{1,256}")

LABEL_LENGTH: Final = 63
SUBDOMAIN_LENGTH: Final = 253
PORT_NAME_LENGTH: Final = 15


def label_fault(text: str) -> str:
    """What keeps TEXT from being a DNS label (RFC 1123)."""
    if len(text) > LABEL_LENGTH:
        return f"must have no more than {LABEL_LENGTH} characters"
    if _LABEL.fullmatch(text) is None:
        return f'"{text}" must consist of lower-case letters, digits and "-", and begin and end with a letter or digit'
    return ""


def subdomain_fault(text: str) -> str:
    """What keeps TEXT from being a DNS subdomain (RFC 1123)."""
    if len(text) > SUBDOMAIN_LENGTH:
        return f"must have no more than {SUBDOMAIN_LENGTH} characters"
    if _SUBDOMAIN.fullmatch(text) is None:
        return (
            f'"{text}" must consist of lower-case letters, digits, "-" and ".", '
            "and each part between dots begin and end with a letter or digit"
        )
    return ""


def wildcard_fault(text: str) -> str:
    """What keeps TEXT from being a wildcard host: `*.` and a DNS subdomain."""
    if not text.startswith("*.") or subdomain_fault(text[2:]):
        return f'"{text}" must be "*." followed by a lower-case DNS name; "*" stands for the whole first label only'
    return ""


def host_fault(text: str) -> str:
    """What keeps TEXT from being the host of a rule."""
    if is_address(text):
        return f'"{text}" must be a DNS name, not an IP address; leave the host out to serve requests for any host'
    return wildcard_fault(text) if "*" in text else subdomain_fault(text)


def port_name_fault(text: str) -> str:
    """What keeps TEXT from being the name of a port (an IANA service name, RFC 6335)."""
    if len(text) > PORT_NAME_LENGTH:
        return f"must have no more than {PORT_NAME_LENGTH} characters"
    if _LABEL.fullmatch(text) is None or "--" in text or not re.search("[a-z]", text):
        return f'"{text}" must consist of lower-case letters, digits and single "-", with at least one letter'
    return ""


def port_number_fault(number: int) -> str:
    """What keeps NUMBER from being a port."""
    return "" if 0 < number < 65536 else f"{number} must be between 1 and 65535"


def qualified_fault(text: str) -> str:
    """What keeps TEXT from being the key of a label or an annotation: a name, maybe after a DNS subdomain and `/`."""
    prefix, slash, name = text.rpartition("/")
    if slash and (not prefix or subdomain_fault(prefix)):
        return f'"{prefix}" before the "/" must be a lower-case DNS name'
    if len(name) > LABEL_LENGTH:
        return f"must have no more than {LABEL_LENGTH} characters in its name"
    if _QUALIFIED.fullmatch(name) is None:
        return f'"{name}" must consist of letters, digits, "-", "_" and ".", and begin and end with a letter or digit'
    return ""


def label_value_fault(text: str) -> str:
    """What keeps TEXT from being the value of a label."""
    if len(text) > LABEL_LENGTH:
        return f"must have no more than {LABEL_LENGTH} characters"
    if text and _QUALIFIED.fullmatch(text) is None:
        return f'"{text}" must consist of letters, digits, "-", "_" and ".", and begin and end with a letter or digit'
    return ""


def data_key_fault(text: str) -> str:
    """What keeps TEXT from being a key of a Secret or ConfigMap."""
    if len(text) > SUBDOMAIN_LENGTH:
        return f"must have no more than {SUBDOMAIN_LENGTH} characters"
    if text in (".", "..") or text.startswith("..") or _DATA_KEY.fullmatch(text) is None:
        return f'"{text}" must consist of letters, digits, "-", "_" and ".", and not begin with ".."'
    return ""


def controller_fault(text: str) -> str:
    """What keeps TEXT from being the controller of an IngressClass: a domain, `/` and a path."""
    domain, slash, path = text.partition("/")
    if not slash or not path or subdomain_fault(domain) or _URI_PATH.fullmatch(path) is None:
        return f'"{text}" must be a domain and a path, such as "edge.ingress/controller"'
    return ""


def segment_fault(text: str) -> str:
    """What keeps TEXT from being part of a path of the API."""
    return (
        f'"{text}" must not be "." or "..", nor hold "/" or "%"' if text in (".", "..") or set(text) & set("/%") else ""
    )


def is_address(text: str) -> bool:
    """Whether TEXT is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # Leading zeros, which Python refuses and the API server's parser takes.
        return re.fullmatch(r"(?:0*[0-9]{1,3}\.){3}0*[0-9]{1,3}", text) is not None
    return True


def host_name(host: str | None) -> str:
    """HOST of a rule as name of a record: lower case, without a dot at the end."""
    return (host or "").lower().removesuffix(".")


def token_fault(text: str) -> str:
    """What keeps TEXT from being the name of a field or of a cookie (RFC 9110, token)."""
    if not text:
        return "required"
    return "" if _TOKEN.fullmatch(text) else f'"{text}" must be a name of letters, digits and !#$%&\'*+-.^_|~`'

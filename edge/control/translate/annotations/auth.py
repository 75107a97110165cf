"""Names and passwords: auth-type, auth-secret, auth-secret-type, auth-realm.

If any of them cannot be read, or the Secret is missing, the routes of the Ingress are closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.core import Secret
from edge.control.translate.annotations.wanted import ContentError, Deferred, Wanted
from edge.table import users
from edge.table.policies.auth import BasicAuth, DigestAuth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.core import ConfigMap
    from edge.control.translate.annotations.values import Values
    from edge.table.policies import AnyPolicy

_TYPE: Final = "auth-type"
_USERS: Final = "auth-secret"
_FORM: Final = "auth-secret-type"
_REALM: Final = "auth-realm"
NAMES: Final = frozenset({_TYPE, _USERS, _FORM, _REALM})
FILE_KEY: Final = "auth"
"""Key of a Secret that holds a file of users."""
DIFFERENCES: Final = {
    **dict.fromkeys(
        ("auth-secret", "auth-secret-type"),
        (
            "Hashes of htpasswd's kinds but DES (bcrypt, apr1, SHA, SSHA, and crypt's `$1$`, `$5$`, `$6$`). An "
            "entry of another kind is reported, and its user cannot log in."
        ),
    ),
    "auth-type": ("A value that cannot be applied closes the route (503); ingress-nginx refuses the whole Ingress."),
    "auth-realm": "Digest compares the realm: the file must have been made for it.",
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted | Deferred]:
    """`auth-type` asks for it."""
    kind = values.text(_TYPE)
    if not kind:
        return
    form = values.text(_FORM) or "auth-file"
    if kind not in ("basic", "digest"):
        yield values.refuse(_TYPE, f'"{kind}" is neither basic nor digest')
    elif form not in ("auth-file", "auth-map"):
        yield values.refuse(_FORM, f'"{form}" is neither auth-file nor auth-map')
    elif not values.text(_USERS):
        yield values.refuse(_TYPE, "auth-secret, which names the Secret with the users, is missing")
    elif not values.text(_REALM).isprintable():
        yield values.refuse(_REALM, "a realm consists of printable characters")
    else:
        reference = values.reference("Secret", _USERS)
        if reference is None:
            yield values.close(_USERS, "auth-secret is no name of a Secret")
            return
        source, realm, is_map = values.source(_TYPE), values.text(_REALM), form == "auth-map"

        def basic(secret: Secret | ConfigMap) -> tuple[AnyPolicy, tuple[str, ...]]:
            entries = _entries(secret, is_map=is_map)
            found = users.from_map(entries) if is_map else users.from_file(entries[FILE_KEY])
            return BasicAuth(source, realm, found.hashes), found.problems

        def digest(secret: Secret | ConfigMap) -> tuple[AnyPolicy, tuple[str, ...]]:
            entries = _entries(secret, is_map=is_map)
            lines = (f"{user}:{text.strip()}" for user, text in entries.items())
            try:
                found = users.from_htdigest("\n".join(lines) if is_map else entries[FILE_KEY])
            except users.DigestError as error:
                raise ContentError(str(error)) from error
            known = tuple((user, secret) for (user, of), secret in found.items() if of == realm)
            others = () if known or not found else (f'none of its users is of the realm "{realm}"',)
            return DigestAuth(source, realm, known), others

        yield Deferred(reference, basic if kind == "basic" else digest)


def _entries(secret: Secret | ConfigMap, *, is_map: bool) -> dict[str, str]:
    """The data of SECRET as text.

    Raises:
        ContentError: there is none, or it is not text.
    """
    data = secret.data if isinstance(secret, Secret) else None
    if is_map and not data:
        raise ContentError("it has no keys, which would be the users")
    if not is_map and (data is None or FILE_KEY not in data):
        raise ContentError(f'it has no key "{FILE_KEY}", which would hold lines user:hash')
    wanted = (data or {}) if is_map else {FILE_KEY: (data or {})[FILE_KEY]}
    try:
        return {key: value.decode() for key, value in wanted.items()}
    except UnicodeDecodeError as error:
        raise ContentError("its data is not UTF-8 text") from error

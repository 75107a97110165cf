"""Users and hashes of their passwords; openssl and bcrypt make hashes to compare with."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import time

import bcrypt
import gevent
import pytest

from edge.data.http.credentials import BusyError, Credentials
from edge.data.http.crypts import md5_crypt, sha_crypt
from edge.data.http.passwords import LONGEST, Hash, Passwords, read
from edge.table.users import PasswordError, from_file, from_map

# As glibc's crypt(3) and openssl make them; those of SHA-crypt stand in its specification.
KNOWN = [
    "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
    "$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1",
    "$apr1$qHDFfhPC$zXkSqG9I68q4ltGYyYLO5/",
]


@pytest.mark.parametrize("text", KNOWN)
def test_known_hashes(text: str) -> None:
    """Of each kind, with rounds and without."""
    assert read(text).matches(b"Hello world!")
    assert not read(text).matches(b"Hello world")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("kind", ["-1", "-apr1", "-5", "-6"])
@pytest.mark.parametrize("password", ["a", "secret", "pässwörd", "x" * 16, "x" * 63, "x" * 64, "x" * 65, "y" * 130])
@pytest.mark.parametrize("salt", ["a", "abcdEFGH"])
def test_hashes_are_those_of_openssl(kind: str, password: str, salt: str) -> None:
    """Of each length that matters to MD5 and SHA-2."""
    done = subprocess.run(["openssl", "passwd", kind, "-salt", salt, password], capture_output=True, check=True)
    stored = read(done.stdout.decode().strip())
    assert stored.matches(password.encode())
    assert not stored.matches(password.encode()[:-1])


def test_rounds() -> None:
    """Where a hash says how many, so many are made."""
    digits = sha_crypt(b"secret", b"salt", 1234, bits=512)
    assert read(f"$6$rounds=1234$salt${digits.decode()}").matches(b"secret")
    assert not read(f"$6$salt${digits.decode()}").matches(b"secret")


def test_bcrypt() -> None:
    """In all three spellings; as with htpasswd, what is behind the 72nd byte does not count."""
    stored = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    for version in "aby":
        hashed = read(f"$2{version}{stored[3:]}")
        assert hashed.matches(b"secret")
        assert not hashed.matches(b"Secret")
    assert read(bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()).matches(b"x" * 73)


def test_sha_and_plain() -> None:
    """The kinds that nginx reads itself."""
    digest = hashlib.sha1(b"secret").digest()
    assert read("{SHA}" + base64.b64encode(digest).decode()).matches(b"secret")
    salted = base64.b64encode(hashlib.sha1(b"secretsalt").digest() + b"salt").decode()
    assert read("{SSHA}" + salted).matches(b"secret")
    assert not read("{SSHA}" + salted).matches(b"secretsalt")
    assert read("{PLAIN}se:cret").matches(b"se:cret")
    assert not read("{PLAIN}secret").matches(b"")


def test_passwords_that_are_never_right() -> None:
    """Those that cost too much, and those that C would cut off."""
    assert not read("{PLAIN}" + "x" * (LONGEST + 1)).matches(b"x" * (LONGEST + 1))
    assert not read(bcrypt.hashpw(b"a", bcrypt.gensalt(4)).decode()).matches(b"a\0b")


REFUSED = {
    "": "htpasswd -B",
    "secret": "htpasswd -B",
    "rqXexS6ZhobKA": "DES crypt sees eight characters",
    "$1$toolongasalt$" + "a" * 22: "not a hash",
    "$apr1$salt$" + "a" * 21: "not a hash",
    "$5$salt$" + "a" * 86: "not a hash",
    "$6$rounds=999$salt$" + "a" * 86: "rounds=999 is outside",
    "$6$rounds=999999999$salt$" + "a" * 86: "outside 1000 to 100000",
    "$2y$15$" + "a" * 53: "cost 15 of bcrypt",
    "$2x$10$" + "a" * 53: "not a hash",
    "{SHA}AAAA": "not a SHA-1 digest",
    "{SHA}!": "not a SHA-1 digest",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA": "not a hash",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_hashes_refused(text: str, reason: str) -> None:
    """With the way out."""
    with pytest.raises(PasswordError) as refusal:
        read(text)
    assert reason in str(refusal.value)


def test_a_file() -> None:
    """Comments, empty lines and CRLF are no matter; the first of several entries counts; a bad one is a problem."""
    users = from_file(
        "# users\r\n\r\nanna:{PLAIN}one:two\r\nbert:{PLAIN}three \r\nanna:{PLAIN}four\r\ncarl:rqXexS6ZhobKA:x\r\n"
        "carl:{PLAIN}y\r\nnobody\r\n:{PLAIN}x\r\ndora:" + read_sha("z") + ":Dora, of sales\r\n"
    )
    passwords = Passwords(users.hashes)
    assert passwords.check("anna", b"one:two")
    assert not passwords.check("anna", b"four")
    assert passwords.check("bert", b"three")
    assert passwords.check("dora", b"z")
    assert not passwords.check("carl", b"y")
    assert not passwords.check("", b"x")
    assert len(users.hashes) == 3
    assert [problem.split(":")[0] for problem in users.problems] == ["line 8", "line 9", "line 6, user carl"]
    assert "rqXexS6ZhobKA" not in str(users.problems)


def test_a_map() -> None:
    """A key per user."""
    users = from_map({"anna": read_sha("one") + "\n", "bert": "nonsense"})
    passwords = Passwords(users.hashes)
    assert passwords.check("anna", b"one")
    assert not passwords.check("bert", b"nonsense")
    assert users.problems == ("key bert: not a hash that is supported; make the entry with htpasswd -B (bcrypt)",)


def read_sha(password: str) -> str:
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()


def test_crypts_are_in_their_own_base_64() -> None:
    """Of as many digits as the hash has."""
    assert len(md5_crypt(b"a", b"salt", b"$1$")) == 22
    assert len(sha_crypt(b"a", b"salt", 1000, bits=256)) == 43
    assert len(sha_crypt(b"a", b"salt", 1000, bits=512)) == 86


# --- off the event loop -----------------------------------------------------------------------------------------------


class Slow(Hash):
    """A hash whose check waits in its thread; `checks` says how often it was made."""

    checks = 0

    def matches(self, password: bytes) -> bool:
        type(self).checks += 1
        REAL_SLEEP(0.3)
        return super().matches(password)


REAL_SLEEP = time.sleep


@pytest.fixture
def passwords() -> Passwords:
    """Anna's is checked slowly."""
    found = Passwords([("anna", bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode())])
    stored = found.find("anna")
    assert stored is not None
    found._hashes["anna"] = Slow(*stored)
    Slow.checks = 0
    return found


def test_a_check_is_made_once(passwords: Passwords) -> None:
    """For a right password and a wrong one, and for all that ask at the same time."""
    credentials = Credentials()
    greenlets = [gevent.spawn(credentials.check, passwords, "anna", b"right") for _ in range(20)]
    gevent.joinall(greenlets)
    assert [greenlet.value for greenlet in greenlets] == [True] * 20
    assert not credentials.check(passwords, "anna", b"wrong")
    assert not credentials.check(passwords, "anna", b"wrong")
    assert credentials.check(passwords, "anna", b"right")
    assert Slow.checks == 2


def test_others_go_on_meanwhile(passwords: Passwords) -> None:
    """The event loop turns while a thread checks."""
    turns = []
    checking = gevent.spawn(Credentials().check, passwords, "anna", b"right")
    while not checking.ready():
        turns.append(1)
        gevent.sleep(0.005)
    assert checking.value is True
    assert len(turns) > 5


def test_too_many_checks(passwords: Passwords) -> None:
    """Those above the bound are refused at once; afterwards there is room again."""
    credentials = Credentials(threads=1, waiting=1)
    running = [gevent.spawn(credentials.check, passwords, "anna", b"%d" % number) for number in range(2)]
    gevent.sleep(0)
    with pytest.raises(BusyError):
        credentials.check(passwords, "anna", b"2")
    gevent.joinall(running)
    assert [greenlet.value for greenlet in running] == [False, False]
    assert credentials.check(passwords, "anna", b"right")


def test_results_are_bounded(passwords: Passwords) -> None:
    """The one that was not asked for longest is forgotten."""
    credentials = Credentials(kept=2)
    for password in (b"a", b"b", b"a", b"c", b"a"):
        assert not credentials.check(passwords, "anna", password)
    assert Slow.checks == 3
    credentials.check(passwords, "anna", b"b")
    assert Slow.checks == 4


def test_a_new_hash_is_checked_anew(passwords: Passwords) -> None:
    """A password that is changed in the Secret is no longer right."""
    credentials = Credentials()
    assert credentials.check(passwords, "anna", b"right")
    changed = Passwords([("anna", bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode())])
    assert not credentials.check(changed, "anna", b"right")
    assert credentials.check(changed, "anna", b"other")
    assert not credentials.check(changed, "nobody", b"other")


def test_quick_kinds_need_no_thread() -> None:
    """They take less than the way to one."""
    credentials = Credentials()
    assert credentials.check(Passwords([("anna", "{PLAIN}x")]), "anna", b"x")
    assert credentials._pool is None

"""Patterns of users: what they mean, what they cost, what is refused. nginx itself is asked where it is installed."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
from collections.abc import Iterator

import pcre2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.table.patterns.cost import cost
from edge.table.patterns.grammar import Reader
from edge.table.patterns.matching import (
    LONGEST,
    STEPS,
    UNSEEN,
    Expansion,
    PatternError,
    PatternLimitError,
    compile_pattern,
)
from edge.table.patterns.tree import write
from tests.support.waiting import eventually, free_port

MATCHES: list[tuple[str, bytes, tuple[bytes, ...] | None]] = [
    # the start is anchored, the end is not
    ("/foo", b"/foobar", ()),
    ("/foo", b"/x/foo", None),
    ("/foo$", b"/foobar", None),
    # case does not count
    ("/FOO/bar", b"/foo/BAR", ()),
    ("/[a-c]x", b"/BX", ()),
    ("/[^a]x", b"/Ax", None),
    ("(?-i)/foo", b"/FOO", None),
    # groups; those that took no part are empty
    ("/something(/|$)(.*)", b"/something/new/x", (b"/", b"new/x")),
    ("/something(/|$)(.*)", b"/something", (b"", b"")),
    ("/something(/|$)(.*)", b"/somethings", None),
    ("/(a)?(b)?(c)", b"/c", (b"", b"", b"c")),
    ("/(?<kind>v[0-9]+)/(?P<rest>.*)", b"/v12/x", (b"v12", b"x")),
    ("/(?:a|b)/([^/]+)/?", b"/b/cc/d", (b"cc",)),
    ("/(a|b)+", b"/ab", (b"b",)),
    ("/(?:(a)|b)+", b"/ab", (b"a",)),
    # look-arounds and back-references
    ("/(?!api|static)(.*)", b"/web/x", (b"web/x",)),
    ("/(?!api|static)(.*)", b"/static/x", None),
    (r"/(?!.*\.(?:js|css)$)", b"/a/b.css", None),
    (r"/(?!.*\.(?:js|css)$)", b"/a/b.html", ()),
    ("/.*(?<=/)x", b"/a/x", ()),
    (r"/(\w)\1", b"/aA", (b"a",)),
    (r"/(\w)\1", b"/ab", None),
    # bytes, as in nginx: no UTF, classes are ASCII
    ("/.$", "/ü".encode(), None),
    ("/..$", "/ü".encode(), ()),
    ("/ü", "/ü".encode(), ()),
    ("/Ü", "/ü".encode(), None),
    (r"/\w$", b"/\xe9", None),
    (r"/\d$", b"/\xb2", None),
    (r"/\s$", b"/\v", ()),
    ("/[[:alpha:]]$", b"/\xe9", None),
    ("/[[:^digit:]-]", b"/5", None),
    ("/[]a]$", b"/]", ()),
    (r"/[\w.-]+$", b"/a-b.c", ()),
    (r"/\x41{2}\x{42}$", b"/aab", ()),
    (r"/\Qa.b\E+$", b"/a.bb", ()),
    (r"/\Qa.b\E", b"/axb", None),
    # lines: `.` stops at a newline, `$` allows one at the very end, `\z` does not
    ("/a.b", b"/a\nb", None),
    ("(?s)/a.b", b"/a\nb", ()),
    ("/a$", b"/a\n", ()),
    (r"/a\Z", b"/a\n", ()),
    (r"/a\z", b"/a\n", None),
    ("/a$", b"/a\n\n", None),
    # what looks like a count and is none
    ("/a{x}", b"/a{x}", ()),
    ("/a{2}$", b"/aa", ()),
    ("/a{,2}", b"", None),
    # possessive and atomic
    ("/a++b", b"/aab", ()),
    ("/(?>a|ab)c", b"/abc", None),
    ("", b"/anything", ()),
]
MATCHES = [case for case in MATCHES if case[0] != "/a{,2}"]


@pytest.mark.parametrize(("pattern", "text", "groups"), MATCHES)
def test_meaning(pattern: str, text: bytes, groups: tuple[bytes, ...] | None) -> None:
    """Groups of a match, or None."""
    assert compile_pattern(pattern).match(text) == groups


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, list[int]]]:
    """Its port, and the numbers of the cases that a request can carry; each is a server of that name."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    directory, port, servers, asked = tmp_path_factory.mktemp("nginx"), free_port(), [], []
    for number, (pattern, text, _) in enumerate(MATCHES):
        if not text.startswith(b"/") or "?<" in pattern:
            continue
        quoted = pattern.replace("\\", "\\\\").replace('"', '\\"')
        asked.append(number)
        servers.append(
            f'server {{ listen 127.0.0.1:{port}; server_name case{number}; location ~* "^{quoted}"'
            ' { return 200 "[$1][$2][$3]"; } location / { return 404; } }'
        )
    (directory / "nginx.conf").write_text(
        f"daemon off; pid {directory}/pid; error_log {directory}/log; events {{}} http {{ access_log off;"
        f" client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;"
        f" uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s; {' '.join(servers)} }}"
    )
    with subprocess.Popen(
        [program, "-c", str(directory / "nginx.conf"), "-p", str(directory)], stderr=subprocess.PIPE
    ) as process:
        try:
            eventually(lambda: ask(port, asked[0]) is not None, message=(directory / "log").read_text)
            yield port, asked
        finally:
            process.terminate()
            process.communicate(timeout=10)


def ask(port: int, number: int) -> tuple[int, bytes] | None:
    """nginx's status and body for case NUMBER."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    path = "".join(f"%{byte:02X}" if byte != 0x2F else "/" for byte in MATCHES[number][1])
    try:
        connection.request("GET", path, headers={"Host": f"case{number}"})
        response = connection.getresponse()
        return response.status, response.read()
    except OSError:
        return None
    finally:
        connection.close()


def test_meaning_is_that_of_nginx(nginx: tuple[int, list[int]]) -> None:
    """The table above says what nginx does with the same pattern and path."""
    port, asked = nginx
    for number in asked:
        pattern, text, groups = MATCHES[number]
        expected = (404, None)
        if groups is not None:
            padded = (*groups, b"", b"", b"")[:3]
            expected = (200, b"".join(b"[%s]" % group for group in padded))
        answer = ask(port, number)
        assert answer is not None
        assert (answer[0], answer[1] if answer[0] == 200 else None) == expected, (pattern, text)
    assert len(asked) > 35


def test_search() -> None:
    """Without the anchor a pattern may match anywhere, as in `server_name ~regex`."""
    pattern = compile_pattern(r"v([0-9])|^w", ignore_case=False, anchored=False)
    assert pattern.match(b"api.V1.v2.x") == (b"2",)
    assert pattern.match(b"w") == (b"",)
    assert pattern.match(b"aw") is None
    assert compile_pattern(r"v([0-9])|w", ignore_case=False).match(b"xw") is None


# --- refused ----------------------------------------------------------------------------------------------------------

REFUSED = {
    "/(": "without its )",
    "/)": "without its (",
    "/[a": "without its ]",
    "/[b-a]": "range",
    "/*+*": "nothing to repeat",
    "*": "nothing to repeat",
    "/a**": "nothing to repeat",
    "(?=a)*": "nothing to repeat",
    "^*": "nothing to repeat",
    "{2}": "nothing to repeat",
    "/a\\": "at the end",
    "/a{3,2}": "in order",
    "/a{5000}": "at most 1000",
    "/a{,2}": "{0,n}",
    "/(?R)": "not supported",
    "/(?1)": "not supported",
    "/(?(1)a)": "not supported",
    "(*COMMIT)a": "not supported",
    "/(?#x)": "not supported",
    "/(?x)a b": "flag x",
    "/(?m)^a": "flag m",
    r"/a\Kb": "\\K",
    r"/\pL": "\\p",
    r"/\1(a)": "not closed before it",
    r"/(a\1)": "not closed before it",
    r"/\xzz": "\\xhh",
    "/(?<=a+)b": "fixed length",
    "/[[:foo:]]": "no class",
    "/[[.a.]]": "collating",
    "/(?<n>a)(?<n>b)": "twice",
    "(" * 17 + ")" * 17: "within each other",
    "a" * 1025: "longer than",
    "((a{1000}b){1000}c){1000}": "too large",
    # what no limit can bound
    r"/(.*)\1": "cannot be bounded",
    "/(?:.*?(?=.*))z": "cannot be bounded",
    "/.*(?!.*x)y": "cannot be bounded",
    "/(?:(?=.*a)b)*": "cannot be bounded",
    "/.*(?>(?:a+)+)b": "cannot be bounded",
    "/(?:a+)*+b": "cannot be bounded",
    "/.*.*+": "cannot be bounded",
}


@pytest.mark.parametrize(("pattern", "reason"), REFUSED.items())
def test_refused(pattern: str, reason: str) -> None:
    """With a reason that its author understands."""
    with pytest.raises(PatternError) as refusal:
        compile_pattern(pattern)
    assert reason in str(refusal.value)


@given(st.text(st.sampled_from("ab/.*+?{}[]()|^$\\12,-:=!<>QEdwsxn"), max_size=40))
@settings(max_examples=500)
def test_any_text_is_judged(text: str) -> None:
    """A text is a pattern of PCRE2 with the same number of groups, or is refused; nothing else happens."""
    try:
        pattern = compile_pattern(text)
    except PatternError:
        return
    assert pcre2.compile(text.encode()).groups == pattern.groups
    with_result(pattern.match, b"/aab")


def with_result(match: object, text: bytes) -> object:
    try:
        return match(text)  # type: ignore[operator]
    except PatternLimitError:
        return "no result"


# --- one meaning, two engines -----------------------------------------------------------------------------------------

ATOMS = st.sampled_from(
    ["a", "b", "/", ".", "[ab]", "[^/]", r"\w", r"\n", "$", "^", r"\b", "(?=a)", "(?!b)", "(?<=a)", r"\d", "(?i:A)"]
)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"(?:{one})?"),
        st.tuples(st.sampled_from(["a", "[^/]", ".", r"\w"]), st.sampled_from(["*", "+", "*?", "{1,2}", "??"])).map(
            "".join
        ),
    ),
    max_leaves=8,
)
TEXTS = st.lists(st.sampled_from([b"a", b"b", b"A", b"/", b"\n", b"1"]), max_size=8).map(b"".join)


@given(TREES, st.lists(TEXTS, min_size=4, max_size=8), st.booleans())
@settings(max_examples=400, deadline=None)
def test_both_engines_agree(text: str, subjects: list[bytes], ignore_case: bool) -> None:
    """What `re` matches for us is what PCRE2 finds for the text that the user wrote."""
    try:
        pattern = compile_pattern(text, ignore_case=ignore_case)
    except PatternError:
        return
    whole = pcre2.compile(b"^(?:%s)" % text.encode(), flags=pcre2.I if ignore_case else pcre2.NOFLAG)
    for subject in subjects:
        found = whole.match(subject)
        expected = None if found is None else tuple(group or b"" for group in found.groups())
        assert pattern.match(subject) == expected, (text, subject)


# --- costs ------------------------------------------------------------------------------------------------------------

PLAIN = [
    "/something(/|$)(.*)",
    "/(?!api|static)(.*)",
    "/([^/]+)/b/([^/]+)/c/(.*)",
    r"/[a-z]+\.(js|css|png)$",
    "/((?:en|fr)/)?(.*)",
    "/(.*)/edit",
    "/.*",
    r"/(\w)\1",
]
CATASTROPHES = {
    "/(a+)+$": b"/" + b"a" * 8190 + b"!",
    "/(a|a)*b": b"/" + b"a" * 8191,
    "/(a|aa)+$": b"/" + b"a" * 8190 + b"!",
    "/.*.*.*x": b"/" + b"a" * 8191,
    "/(.*)(.*)(.*)x$": b"/" + b"a" * 8191,
    "/(x|a|aa){500}b": b"/" + b"a" * 8191,
    "/(((a?){20}){20})b": b"/" + b"a" * 8191,
    "/(.*a){20}": b"/" + b"a" * 19 + b"b" * 8000,
    "/.*a*b": b"/" + b"a" * 8191,
}


@pytest.mark.parametrize("pattern", PLAIN)
def test_usual_patterns_are_plain(pattern: str) -> None:
    """They go to the fastest engine."""
    assert compile_pattern(pattern).is_plain


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHES.items())
def test_catastrophes_end(pattern: str, text: bytes) -> None:
    """At the limit of steps: without one, these take seconds to ages. A text that needs few steps is matched."""
    compiled = compile_pattern(pattern)
    assert not compiled.is_plain
    with pytest.raises(PatternLimitError):
        compiled.match(text)
    assert compiled.match(b"?") is None


def test_a_catastrophe_that_searches_ends() -> None:
    """The limit holds for the whole search, not for each place where a match may begin."""
    pattern = compile_pattern("(?:a+)+b", anchored=False)
    with pytest.raises(PatternLimitError):
        pattern.match(b"a" * 8192)
    assert compile_pattern("x(a+)+b", anchored=False).match(b"--xaab") == (b"aa",)


def test_texts_that_are_too_long() -> None:
    """Costs are computed for a length; above it there is no result."""
    pattern = compile_pattern("/a")
    assert pattern.match(b"/a".ljust(LONGEST)) == ()
    with pytest.raises(PatternLimitError):
        pattern.match(b"/a".ljust(LONGEST + 1))


@given(TREES)
@example("(?:(?:a*($)a)?)?")
@settings(max_examples=200, deadline=None)
def test_costs_are_upper_bounds(text: str) -> None:
    """By PCRE2's own count of steps: a match that it needs more than so many for has no smaller cost here."""
    try:
        reader = Reader(text, ignore_case=False)
    except PatternError:
        return
    price = cost(reader.branches, limit=STEPS)
    assert price.unseen <= UNSEEN or price.steps > UNSEEN
    if price.steps > STEPS:
        return
    # PCRE2 counts each way that it takes, and goes each at most twice
    limited = b"(*NO_JIT)(*NO_AUTO_POSSESS)(*LIMIT_MATCH=%d)" % (3 * price.steps + 100)
    pcre2.compile(limited + b"^(?:" + write(reader.branches) + b")", jit=False).match(b"a" * LONGEST)


# --- expansion --------------------------------------------------------------------------------------------------------


def test_expansion() -> None:
    """Of `$1` and `${1}`; a group that the pattern does not have is empty."""
    groups = compile_pattern("/something(/|$)(.*)").match(b"/something/new")
    assert groups is not None
    assert Expansion("/$2", 2).expand(groups) == b"/new"
    assert Expansion("/x$1${2}0$3", 2).expand(groups) == b"/x/new0"
    assert Expansion("/grün", 0).expand(()) == "/grün".encode()
    assert Expansion("/$20", 2).expand(groups) == b"/new0"


@pytest.mark.parametrize("text", ["/$", "/$x", "/${12}", "/$0", "/$$1"])
def test_expansions_refused(text: str) -> None:
    """A `$` is the beginning of a group's number and nothing else."""
    with pytest.raises(PatternError, match=re.escape("$")):
        Expansion(text, 9)


def test_names_of_groups() -> None:
    """Are kept with their numbers."""
    assert compile_pattern("/(a)(?<kind>b)").names == {"kind": 2}


def test_shown_with_its_engine() -> None:
    """So that a developer sees which one it is."""
    assert repr(compile_pattern("/a")) == "<Pattern '/a' by re>"
    assert repr(compile_pattern("/(a+)+")) == "<Pattern '/(a+)+' by PCRE2>"

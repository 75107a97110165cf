"""Pieces of nginx's configuration, read as a closed dialect."""

from __future__ import annotations

import pytest

from edge.control.translate.annotations import policies
from edge.control.translate.annotations.values import PREFIX
from edge.control.translate.snippets.dialect import MOST, SERVER, SUBREQUEST, Place, statements
from edge.control.translate.snippets.lexer import SnippetError
from edge.table.policies import Closed, Snippet
from edge.table.policies.snippet import AddField, Answer, HideField, If, RequestField, SetField, SetVariable

ALLOWED = policies.Reader(
    {
        "allow-snippet-annotations": ("true", "--allow-snippet-annotations"),
        "annotations-risk-level": ("Critical", "--annotations-risk-level"),
    }
)
NAME = f"{PREFIX}configuration-snippet"


# --- what is understood -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("add_header X-A 1;", AddField("X-A", "1")),
        ("add_header X-A '1; 2' always;", AddField("X-A", "1; 2", always=True)),
        ('add_header X-A "say \\"hi\\" at {noon}";', AddField("X-A", 'say "hi" at {noon}')),
        ('more_set_headers "X-A: 1";', SetField("X-A", "1")),
        ("more_set_headers 'X-A:1';", SetField("X-A", "1")),
        ('more_set_headers "X-A: ";', SetField("X-A", "")),
        ('more_set_headers "X-A";', SetField("X-A", "")),
        ("more_clear_headers Server;", SetField("Server", "")),
        ("more_clear_headers 'X-A:';", SetField("X-A", "")),
        ("proxy_hide_header X-Powered-By;", HideField("X-Powered-By")),
        ("grpc_hide_header X-A;", HideField("X-A")),
        ("proxy_set_header X-A $host:$server_port;", RequestField("X-A", "$host:$server_port")),
        ("grpc_set_header X-A $service_name;", RequestField("X-A", "$service_name")),
        ('proxy_set_header Authorization "";', RequestField("Authorization", "")),
        ('more_set_input_headers "X-A: ${http_x_b}c";', RequestField("X-A", "${http_x_b}c")),
        ("more_clear_input_headers X-A;", RequestField("X-A", "")),
        ("set $a $cookie_session;", SetVariable("a", "$cookie_session")),
        ("return 403;", Answer(403)),
        ("return 200 'hello $arg_name';", Answer(200, "hello $arg_name")),
        ("return 301 https://other.example$request_uri;", Answer(301, "https://other.example$request_uri")),
        (r"""return 200 'a\;b\{c\ d\"e\\f\ng\th';""", Answer(200, 'a\\;b\\{c\\ d"e\\f\ng\th')),
        ("return 302 /login;", Answer(302, "$scheme://$host/login")),
        ("return https://other.example/;", Answer(302, "https://other.example/")),
        ("default_type application/json; return 200 '{\"a\": 1}';", Answer(200, '{"a": 1}', "application/json")),
    ],
)
def test_a_directive_is_a_statement(text: str, expected: object) -> None:
    """Each of them, quoted in the ways that nginx knows."""
    assert statements(text) == (expected,)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("($http_x_a)", ("$http_x_a", "", "")),
        ("( $http_x_a )", ("$http_x_a", "", "")),
        ("($request_method = POST)", ("$request_method", "=", "POST")),
        ("( $request_method = POST )", ("$request_method", "=", "POST")),
        ("($host != 'a.example')", ("$host", "!=", "a.example")),
        ('($http_x_a = "")', ("$http_x_a", "=", "")),
        ("($http_user_agent ~* (curl|wget))", ("$http_user_agent", "~*", "(curl|wget)")),
        ("($request_uri ~ ^/a/[0-9]+$)", ("$request_uri", "~", "^/a/[0-9]+$")),
        (r"($uri !~ \.php$)", ("$uri", "!~", r"\.php$")),
        (r'($uri !~* "a{2,3} b")', ("$uri", "!~*", "a{2,3} b")),
        (r"($uri ~ ^/a\{b)", ("$uri", "~", r"^/a\{b")),
    ],
)
def test_the_test_of_an_if(test: str, expected: tuple[str, str, str]) -> None:
    """A variable alone, or compared with a text or a pattern."""
    assert statements(f"if {test} {{ return 403; }}") == (If(*expected, (Answer(403),)),)


def test_what_snippets_do_for_websockets_is_not_needed() -> None:
    """Edge passes them on in any case."""
    assert statements('proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";') == ()


def test_what_no_endpoint_passes_on_need_not_be_hidden() -> None:
    """Edge writes such fields itself."""
    assert statements("proxy_hide_header Upgrade; proxy_hide_header content-length;") == ()


def test_a_whole_snippet_keeps_its_order() -> None:
    """With comments, blank lines and directives that stand for several statements."""
    text = """
    # who comes in
    set $allowed 0;   # nobody
    if ($http_x_token = "let me in") {
        set $allowed 1;
    }
    if ($allowed = 0) { return 403 "no"; }

    more_set_headers "X-A: 1" 'X-B: 2';
    """
    assert statements(text) == (
        SetVariable("allowed", "0"),
        If("$http_x_token", "=", "let me in", (SetVariable("allowed", "1"),)),
        If("$allowed", "=", "0", (Answer(403, "no"),)),
        SetField("X-A", "1"),
        SetField("X-B", "2"),
    )


def test_the_last_directive_may_lack_its_semicolon() -> None:
    assert statements('more_set_headers "X-A: $proxy_host"') == (SetField("X-A", "$proxy_host"),)
    assert statements("set $a 1;\nreturn 403\n") == (SetVariable("a", "1"), Answer(403))


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("proxy_pass http://127.0.0.1;", 1, '"proxy_pass" is not supported'),
        ("add_header X-A 1;\nrewrite ^ /b;", 2, '"rewrite" is not supported'),
        ("content_by_lua_block { ngx.say(1) }", 1, "line 1"),
        ("location /a { return 403; }", 1, '"location" is not supported'),
        ("\n\nadd_header X-A 1 }", 3, '";" is missing'),
        ("}", 1, 'unexpected "}"'),
        (";", 1, 'unexpected ";"'),
        ("if ($host) { return 403;", 1, '"}" is missing'),
        ("if ($host) { if ($uri) { return 403; } }", 1, "within another block"),
        ("if ($host) { proxy_set_header X-A 1; }", 1, 'cannot stand within "if"'),
        ("if ($host) { proxy_hide_header X-A; }", 1, 'cannot stand within "if"'),
        ("proxy_hide_header X-A X-B;", 1, "2 parameters"),
        ("proxy_hide_header X:A;", 1, "is not a field name"),
        ("if (-f $uri) { return 403; }", 1, "the test of"),
        ("if ($host ~ a b c) { return 403; }", 1, "the test of"),
        ("if (a = b) { return 403; }", 1, "the test of"),
        ("if $host { return 403; }", 1, "parentheses"),
        ("if ($host) return 403;", 1, "needs a block"),
        ("if ($host ~ [) { return 403; }", 1, "line 1"),
        ("add_header 'X A' 1;", 1, "is not a field name"),
        ("add_header Connection close;", 1, "cannot be changed"),
        ("add_header X-A '1\n2';", 1, "control characters"),
        ("add_header X-A 1 sometimes;", 1, '"sometimes" is not "always"'),
        ("add_header X-A;", 1, "1 parameters"),
        ("more_clear_headers 'X-*';", 1, '"X-*" stands for several fields'),
        ("more_clear_input_headers X-A X-*;", 1, '"X-*" stands for several fields'),
        ("return 301 '/a\\n';", 1, "control characters"),
        ("more_set_headers -s 404 'X-A: 1';", 1, 'the option "-s"'),
        ("proxy_set_header X-A $upstream_addr;", 1, "$upstream_addr"),
        ("return 99;", 1, '"99" is not a status'),
        ("return 301 javascript:alert(1);", 1, "neither an http"),
        ("return here;", 1, "neither an http"),
        ("set $host other.example;", 1, "cannot be changed"),
        ("set $http_x_a 1;", 1, "cannot be changed"),
        ("set a 1;", 1, "is not the name of a variable"),
        ("set $a $b; set $b 1;", 1, "$b"),
        ('add_header X-A "1;', 1, "quote that does not end"),
        ("default_type nothing;", 1, "is not a media type"),
        ("add_header X-A 1;" * (MOST + 1), 1, f"more than {MOST}"),
    ],
)
def test_anything_else_is_refused_by_its_line(text: str, line: int, reason: str) -> None:
    """The message says which, and why."""
    with pytest.raises(SnippetError) as caught:
        statements(text)
    assert str(caught.value).startswith(f"line {line}: ")
    assert reason in str(caught.value)


# --- where it stands --------------------------------------------------------------------------------------------------


def test_a_host_has_answers_fields_and_tests() -> None:
    text = (
        "set $a 1; if ($host) { set $a 2; return 403; } add_header X-A $a; proxy_hide_header X-C;"
        ' more_set_input_headers "X-B: 1";'
    )
    assert [type(one) for one in statements(text, SERVER)] == [SetVariable, If, AddField, HideField, RequestField]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("proxy_set_header X-A 1;", SERVER, '"proxy_set_header" is not supported'),
        ("if ($host) { add_header X-A 1; }", SERVER, '"add_header" cannot stand within "if"'),
        ("if ($host) { more_set_headers 'X-A: 1'; }", SERVER, '"more_set_headers" cannot stand within "if"'),
        ("return 200;", SUBREQUEST, '"return" is not supported; such a snippet may have proxy_set_header'),
        ("if ($host) { return 200; }", SUBREQUEST, '"if" is not supported'),
    ],
)
def test_what_nginx_has_not_there_is_refused(text: str, place: Place, reason: str) -> None:
    """Or has there without effect."""
    with pytest.raises(SnippetError) as caught:
        statements(text, place)
    assert str(caught.value).startswith(f"line 1: {reason}")


# --- the annotation ---------------------------------------------------------------------------------------------------


def test_an_ingress_with_a_snippet_is_refused_unless_both_its_risk_and_snippets_are_allowed() -> None:
    """An Ingress cannot allow itself one."""
    itself = {NAME: "return 403;", f"{PREFIX}allow-snippet-annotations": "true"}
    asked, problems = policies.Reader({}).read(itself)
    assert asked.refused
    assert [one.reason for one in problems] == ["AnnotationRefused"]
    assert "--annotations-risk-level=Critical (and --allow-snippet-annotations) would allow it" in problems[0].message
    _, problems = policies.Reader({}).read({f"{PREFIX}modsecurity-snippet": "SecRuleEngine On"})
    assert "the Ingress is not served. Edge does not support it: remove it" in problems[0].message
    asked, problems = policies.Reader({"annotations-risk-level": ("Critical", "")}).read(itself)
    assert (asked.refused, asked.policies) == (False, ())
    assert [one.reason for one in problems] == ["InvalidAnnotation", "UnknownAnnotation"]
    assert "--allow-snippet-annotations" in problems[0].message


def test_an_allowed_one_is_a_policy() -> None:
    """Its source is the annotation."""
    asked, problems = ALLOWED.read({NAME: "return 403;"})
    assert problems == ()
    assert asked.policies == (Snippet(f'metadata.annotations["{NAME}"]', (Answer(403),)),)


def test_one_that_is_not_carried_out_closes_the_routes() -> None:
    """It may be what guards them."""
    asked, problems = ALLOWED.read({NAME: "allow 10.0.0.0/8;\ndeny all;"})
    (policy,) = asked.policies
    assert isinstance(policy, Closed)
    assert "line 1" in problems[0].message


def test_an_empty_one_asks_for_nothing() -> None:
    """Comments alone too."""
    assert ALLOWED.read({NAME: "# nothing yet\n"})[0].policies == ()

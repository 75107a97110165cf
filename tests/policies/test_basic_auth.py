"""auth-type basic: names and passwords, in a Secret that auth-secret names."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest

from edge.settings import Settings
from edge.table.policies import BasicAuth, Closed
from tests.e2e.conftest import Site
from tests.support import objects
from tests.support.annotated import Annotated, annotated, place
from tests.support.backends import Backend
from tests.support.edge import Edge, write
from tests.support.stage import Stage
from tests.support.waiting import eventually
from tests.support.world import World

APR1 = "$apr1$qHDFfhPC$zXkSqG9I68q4ltGYyYLO5/"  # of "Hello world!"
ASKED = {"auth_type": "basic", "auth_secret": "users"}
SOURCE = place("auth-type")


def sha(password: str) -> str:
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()


def users(text: str | bytes = f"anna:{APR1}\n", *, namespace: str = "demo") -> objects.Manifest:
    """The Secret `users` with a file of users."""
    return objects.secret("users", namespace=namespace, kind="Opaque", auth=text)


def credentials(user: str, password: str) -> list[tuple[str, str]]:
    return [("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())]


# --- what the annotations ask for -------------------------------------------------------------------------------------


def test_a_file_of_users() -> None:
    web = Annotated(World().apply(users()), **ASKED, auth_realm=' The "shop" ')
    assert web.policies == (BasicAuth(SOURCE, 'The "shop"', (("anna", APR1),)),)
    assert web.problems == []


def test_a_map_of_users() -> None:
    secret = objects.secret("users", kind="Opaque", anna=APR1, bert=sha("b") + "\n")
    web = Annotated(World().apply(secret), **ASKED, auth_secret_type="auth-map")
    assert web.policies == (BasicAuth(SOURCE, "", (("anna", APR1), ("bert", sha("b")))),)


def test_a_user_whose_hash_cannot_be_checked_is_reported_and_left_out() -> None:
    web = Annotated(World().apply(users(f"anna:{APR1}\ncarl:rqXexS6ZhobKA\n")), **ASKED)
    assert web.policies == (BasicAuth(SOURCE, "", (("anna", APR1),)),)
    ((reason, field, message),) = web.problems
    assert (reason, field) == ("InvalidSecret", place("auth-secret"))
    assert message.startswith("Secret demo/users: line 2, user carl: DES crypt")
    assert "rqXexS6ZhobKA" not in message


def test_without_auth_type_the_rest_means_nothing() -> None:
    assert Annotated(auth_secret="users", auth_realm="x", auth_secret_type="auth-file").policies == ()


CLOSED = {
    "no such type": (dict(ASKED, auth_type="oauth"), "auth-type", "InvalidAnnotation"),
    "no such form": (dict(ASKED, auth_secret_type="yaml"), "auth-secret-type", "InvalidAnnotation"),
    "no Secret named": ({"auth_type": "basic"}, "auth-type", "InvalidAnnotation"),
    "no name": (dict(ASKED, auth_secret="My users"), "auth-secret", "InvalidAnnotation"),
    "no namespace": (dict(ASKED, auth_secret="/users"), "auth-secret", "InvalidAnnotation"),
    "two slashes": (dict(ASKED, auth_secret="a/b/users"), "auth-secret", "InvalidAnnotation"),
    "a realm of two lines": (dict(ASKED, auth_realm="a\nSet-Cookie: b"), "auth-realm", "InvalidAnnotation"),
    "missing": (dict(ASKED, auth_secret="others"), "auth-secret", "MissingSecret"),
    "another namespace": (dict(ASKED, auth_secret="other/users"), "auth-secret", "CrossNamespace"),
    "no key": (dict(ASKED, auth_secret="empty"), "auth-secret", "InvalidSecret"),
    "no user": (dict(ASKED, auth_secret="empty", auth_secret_type="auth-map"), "auth-secret", "InvalidSecret"),
    "no text": (dict(ASKED, auth_secret="latin"), "auth-secret", "InvalidSecret"),
}


@pytest.mark.parametrize("why", CLOSED)
def test_what_cannot_be_carried_out_closes_the_route(why: str) -> None:
    annotations, name, reason = CLOSED[why]
    latin = objects.secret("latin", kind="Opaque", auth=f"\xe4nna:{APR1}".encode("latin-1"))
    empty = objects.secret("empty", kind="Opaque")
    world = World().apply(users(), users(namespace="other"), latin, empty)
    web = Annotated(world, **annotations)
    assert [type(one) for one in web.policies] == [Closed]
    ((found, field, message),) = web.problems
    assert (found, field) == (reason, place(name))
    assert message.endswith("; requests are answered 503")


def test_other_namespaces_may_be_allowed() -> None:
    world = World(Settings(allow_cross_namespace_resources=True)).apply(users(namespace="other"))
    web = Annotated(world, auth_type="basic", auth_secret="other/users")
    assert web.policies == (BasicAuth(SOURCE, "", (("anna", APR1),)),)
    assert Annotated(world, **ASKED).problems[0][0] == "MissingSecret", "a name alone means the own namespace"


def test_the_own_namespace_may_be_named() -> None:
    web = Annotated(World().apply(users()), auth_type="basic", auth_secret="demo/users")
    assert isinstance(web.policies[0], BasicAuth)


def test_challenges_of_acme_need_no_password() -> None:
    ingress = objects.ingress(annotations=annotated(**ASKED))
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    ingress["spec"]["rules"][0]["http"]["paths"] = [path, path | {"path": "/.well-known/acme-challenge/x"}]
    world = World().apply(users(), ingress)
    assert world.route("web.example", "/.well-known/acme-challenge/x").policies == ()
    assert [type(one) for one in world.route("web.example").policies] == [BasicAuth]


def test_summaries_show_no_hash() -> None:
    assert BasicAuth("", "shop", (("anna", APR1),)).summary() == 'Basic authentication for "shop", 1 user'


# --- what clients get -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def host(stage: Stage, backend: Backend) -> str:
    """A host with a user for each kind of hash."""
    entries = (
        ("anna", APR1),
        ("bert", bcrypt.hashpw(b"Hello world!", bcrypt.gensalt(4)).decode()),
        ("carl", sha("Hello world!")),
        ("dora", "$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1"),
        ("emil", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        ("söhne", "{SSHA}" + base64.b64encode(hashlib.sha1(b"Hello world!salt").digest() + b"salt").decode()),
    )
    return stage.serve(backend, policies=(BasicAuth("test", 'The "shop"', entries),))


def test_without_a_password_401_with_a_challenge(stage: Stage, host: str, backend: Backend) -> None:
    before = len(backend.requests)
    answer = stage.get(host)
    assert (answer.status, answer.body) == (401, b"401 Authorization Required\n")
    assert answer.get("www-authenticate") == r'Basic realm="The \"shop\""'
    assert len(backend.requests) == before


@pytest.mark.parametrize("user", ["anna", "bert", "carl", "dora", "emil", "söhne"])
def test_the_right_password_is_let_in_and_no_other(stage: Stage, host: str, user: str) -> None:
    assert stage.get(host, fields=credentials(user, "Hello world!")).status == 200
    assert stage.get(host, fields=credentials(user, "Hello world")).status == 401
    assert stage.get(host, fields=credentials(user, "Hello world!")).status == 200


def test_the_endpoint_gets_no_authorization(stage: Stage, host: str) -> None:
    answer = stage.get(host, fields=[*credentials("anna", "Hello world!"), ("X-Other", "y")])
    fields = {name.lower(): value for name, value in answer.json()["headers"]}
    assert "authorization" not in fields
    assert fields["x-other"] == "y"


RIGHT = base64.b64encode(b"anna:Hello world!").decode()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        f"Bearer {RIGHT}",
        RIGHT,
        f"Basic {RIGHT}x",
        "Basic !!",
        "Basic YW5uYQ==",
        "Basic \xff",
        "Basic Og==",
    ],
)
def test_what_is_no_name_and_password_is_401(stage: Stage, host: str, value: str) -> None:
    assert stage.get(host, fields=[("Authorization", value)]).status == 401


@pytest.mark.parametrize("value", [f"basic {RIGHT}", f"BASIC  {RIGHT}"])
def test_spellings_of_the_scheme(stage: Stage, host: str, value: str) -> None:
    assert stage.get(host, fields=[("Authorization", value)]).status == 200


def test_two_fields_are_401_or_refused(stage: Stage, host: str) -> None:
    """A second one smuggles nothing in."""
    wrong = credentials("anna", "wrong")
    answer = stage.get(host, fields=[*wrong, *credentials("anna", "Hello world!")])
    assert answer.status in (400, 401)


def test_without_users_nobody_is_let_in(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(BasicAuth("test", "x"),))
    assert stage.get(host, fields=credentials("", "")).status == 401
    assert stage.get(host, fields=credentials("anna", "")).status == 401


def test_slow_checks_do_not_hold_up_others(stage: Stage, backend: Backend) -> None:
    """A flood of wrong passwords: most are answered 503 at once, and other requests go on."""
    slow = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    host, free = stage.serve(backend, policies=(BasicAuth("test", "x", (("anna", slow),)),)), stage.serve(backend)
    with ThreadPoolExecutor(100) as threads:
        asked = [threads.submit(stage.get, host, fields=credentials("anna", f"wrong {n}")) for n in range(100)]
        assert stage.get(free).status == 200
        answers = {one.result().status for one in asked}
    assert answers <= {401, 503}
    assert 401 in answers
    assert stage.get(host, fields=credentials("anna", "right")).status == 200


def test_from_the_annotation_to_the_answer(site: Site, backend: Backend) -> None:
    """A change of the Secret holds at once, as do its end and its return."""
    right, other = credentials("anna", "Hello world!"), credentials("anna", "other")

    def statuses() -> list[int]:
        return [edge.get("/", fields=fields).status for fields in (None, right, other)]

    site.serve("web", backend, annotations=annotated(**ASKED))
    site.serve("open", backend, host="open.example")
    with Edge(site.folder, workers=2) as edge:
        assert statuses() == [503, 503, 503]
        assert edge.get("/", host="open.example").status == 200
        path = write(site.folder, "users.yaml", users())
        eventually(lambda: statuses() == [401, 200, 401])
        write(site.folder, "users.yaml", users(f"anna:{sha('other')}"))
        eventually(lambda: statuses() == [401, 401, 200])
        path.unlink()
        eventually(lambda: statuses() == [503, 503, 503])
        write(site.folder, "users.yaml", users())
        eventually(lambda: statuses() == [401, 200, 401])

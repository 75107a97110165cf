"""`edge top`: shows a running instance in a terminal, from the JSON of its admin port.

Rules of this file:
- It reads from one instance, by `--admin`, and does not need the table: it may run on another machine, by a
  port-forward.
- If the output is not a terminal it is printed once.

Exit status: 0; 1: the instance does not answer.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge import screen
from edge.system import addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.settings import Settings

TIMEOUT: Final = 10.0
INTERVAL: Final = 2.0
MOST_ROUTES: Final = 100
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The other screen, without a cursor, and back."""
_HOME: Final = "\x1b[H"
_LINE_END: Final = "\x1b[K\n"
_SCREEN_END: Final = "\x1b[J"
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class AskError(Exception):
    """The instance does not answer; the message says why."""


class Instance:
    """The instance at the admin address of SETTINGS."""

    def __init__(self, settings: Settings) -> None:
        address = addresses.parse(settings.admin)
        self._host = _EVERYWHERE.get(address.host, address.host)
        self._port = address.port
        self._place = addresses.Address(self._host, self._port)
        self._token = settings.admin_token_file
        self._certificate = settings.admin_certificate

    def get(self, path: str) -> dict[str, Any]:
        """The JSON at PATH.

        Raises:
            AskError: there is none.
        """
        connection = self._connection()
        try:
            connection.request("GET", path, headers=self._fields())
            response = connection.getresponse()
            body = response.read()
            found: dict[str, Any] = json.loads(body)
        except (OSError, http.client.HTTPException) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or error
            raise AskError(f"{self._place}: {why}; is Edge running there? (--admin)") from None
        except ValueError:
            raise AskError(f"{self._place}: this is no admin port of Edge") from None
        finally:
            connection.close()
        if response.status != 200:
            raise AskError(f"{self._place}: {found.get('error', response.reason)}{self._way_out(response.status)}")
        return found

    def _connection(self) -> http.client.HTTPConnection:
        if not self._certificate:
            return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        try:
            context = ssl.create_default_context(cafile=self._certificate)
        except OSError as error:
            raise AskError(f"--admin-certificate {self._certificate}: {error}") from None
        # Trust exactly this certificate, whatever its issuer and its names are.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False
        return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT, context=context)

    def _fields(self) -> dict[str, str]:
        if not self._token:
            return {}
        try:
            tokens = Path(self._token).read_text().split()
        except OSError as error:
            raise AskError(f"--admin-token-file {self._token}: {error.strerror}") from None
        return {"Authorization": f"Bearer {tokens[0]}"} if tokens else {}

    def _way_out(self, status: int) -> str:
        return " (--admin-token-file)" if status == http.HTTPStatus.UNAUTHORIZED and not self._token else ""


def run(settings: Settings, *, once: bool = False) -> int:
    """Show the instance of SETTINGS until Ctrl-C, or ONCE; the exit status."""
    instance = Instance(settings)
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        if once or not sys.stdout.isatty():
            instance.get(_routes(1))  # rates are measured between two answers
            time.sleep(1.1)
            sys.stdout.writelines(f"{line}\n" for line in _lines(instance, 120, 24, colours=colours))
            return 0
        with _own_screen():
            while True:
                width, height = shutil.get_terminal_size()
                lines = _lines(instance, width, height - 1, colours=colours)
                sys.stdout.write(_HOME + "".join(line + _LINE_END for line in lines) + _SCREEN_END)
                sys.stdout.flush()
                time.sleep(INTERVAL)
    except AskError as error:
        print(f"edge top: {error}", file=sys.stderr)  # noqa: T201 - the command line prints
        return 1
    except KeyboardInterrupt:
        return 0


def _lines(instance: Instance, width: int, height: int, *, colours: bool) -> list[str]:
    overview, workers = instance.get("/api/overview"), instance.get("/api/workers")
    head = list(screen.head(overview, width, colours=colours)) + list(screen.workers(workers, width, colours=colours))
    room = max(height - len(head) - 2, 0)
    routes = instance.get(_routes(min(room, MOST_ROUTES))) if room else {"routes": []}
    return [*head, *screen.routes(routes, width, colours=colours)][:height]


def _routes(limit: int) -> str:
    return f"/api/routes?sort=rate&limit={limit}"


@contextmanager
def _own_screen() -> Iterator[None]:
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()

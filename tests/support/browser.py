"""A real browser: Debian's Chromium, driven by Playwright. Each window is a profile of its own.

    with Browser() as browser, browser.window(url) as window:
        window.page.get_by_role("heading", name="Overview").wait_for()

At its end a window fails the test if the page wrote to the console, threw, broke its Content-Security-Policy, or asked
another host than the one that it came from.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import ConsoleMessage, Page, Request

CHROMIUM = shutil.which("chromium")
PATIENCE = 40_000
"""Milliseconds that a wait may take, on a machine that is busy with something else."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Browser:
    """A process of Chromium; a context manager."""

    def __enter__(self) -> Self:
        flags = ["--no-sandbox"] if os.getuid() == 0 else []  # Chromium refuses root a sandbox
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    @contextlib.contextmanager
    def window(self, url: str, *, refusals: bool = False, **options: Any) -> Iterator[Window]:
        """A window at URL; OPTIONS are those of Playwright's `new_context`, such as `color_scheme`.

        REFUSALS: the server will refuse something, or go away, which the browser may report on the console.
        """
        options.setdefault("viewport", {"width": 1280, "height": 900})
        with self._browser.new_context(**options) as context:
            context.set_default_timeout(PATIENCE)
            window = Window(context.new_page(), url, refusals=refusals)
            window.page.goto(url)
            yield window
            window.check()


class Window:
    """A page, and what it did that it should not have done."""

    def __init__(self, page: Page, url: str, *, refusals: bool) -> None:
        self.page = page
        self._refusals = refusals
        self.origin = urlsplit(url).netloc
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if not (self._refusals and message.text.startswith("Failed to load resource")):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def check(self) -> None:
        """Fail for complaints and for requests elsewhere."""
        assert not self.complaints, self.complaints
        assert {urlsplit(url).netloc for url in self.requests} <= {self.origin}

    def violations(self) -> list[str]:
        """What axe-core finds at the page as it is now: rule, help and place."""
        found = Axe().run(self.page, options={**RULES, "resultTypes": ["violations"]}).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {node['html']} {node['failureSummary']}"
            for one in found
            for node in one["nodes"]
        ]

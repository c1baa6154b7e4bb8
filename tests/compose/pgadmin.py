"""pgAdmin as a person sees it: a real browser, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.compose.stack import until

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# pgAdmin draws only the part of the tree that is in sight, so all of it has to be.
TALL = {"width": 1280, "height": 2400}
PICTURE = {"width": 1280, "height": 960}
PATIENCE = 60_000  # milliseconds
FORM = 30_000  # milliseconds
BUTTON = 20_000  # milliseconds
ROW = ".QueryTool-rowNumCell"


@contextmanager
def browser() -> Iterator[Any]:
    """Give the machine's own chromium. A laptop may lack it and skip; the CI may not."""
    # Not at the top: who runs the other tests has no need of it.
    playwright = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        reason = "no browser: install chromium (Debian, Ubuntu: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program)
        yield opened
        opened.close()


class PgAdmin:
    """One window of pgAdmin, from the login on."""

    def __init__(self, browser: Any, port: int) -> None:
        from playwright.sync_api import TimeoutError as Late

        self._timeout = Late
        self._selected: tuple[str, ...] = ()
        self.page = browser.new_page(viewport=TALL)
        self.page.set_default_timeout(PATIENCE)
        until("the form of the login", lambda: self._asked(port), 3 * FORM / 1000)

    def _asked(self, port: int) -> bool:
        """Open the first page; one that stays blank, as a busy machine's may, is opened anew."""
        self.page.goto(f"http://127.0.0.1:{port}/")
        try:
            self.page.locator("input[name=email]").wait_for(timeout=FORM)
        except self._timeout:
            return False
        return True

    def log_in(self, email: str, password: str) -> None:
        """Give address and password, as the only thing that one is asked for."""
        self.page.locator("input[name=email]").fill(email)
        self.page.locator("input[name=password]").fill(password)
        self.page.get_by_role("button", name="Login").click()

    def entry(self, *path: str) -> Any:
        """Return the entry of the tree at a path; each server has entries of the same names below it."""
        found = self.page.locator(".file-tree")
        for depth, name in enumerate(path, 1):
            axis = "descendant" if depth == 1 else "following"
            label = f'.//span[contains(@class, "file-name")][. = "{name}"]'
            found = found.locator(f'xpath={axis}::div[@data-depth="{depth}"][{label}]').first
        return found

    def open(self, *path: str) -> Any:
        """Unfold the tree along a path, and return its last entry, selected.

        pgAdmin unfolds some of it by itself, in its own time: so this looks again.
        """
        for depth, name in enumerate(path[:-1], 1):
            folder = self.entry(*path[:depth])
            folder.wait_for()
            until(f"what is in {name}", lambda f=folder, d=depth: self._unfolded(f, d))
        self._selected = path
        last = self.entry(*path)
        last.locator(".file-name").dispatch_event("click")
        return last

    def _unfolded(self, folder: Any, depth: int) -> bool:
        """Say whether an entry is followed by what is in it; if it is closed, open it."""
        following = folder.locator("xpath=following::div[@data-depth]").first
        if following.count() and following.get_attribute("data-depth") == str(depth + 1):
            return True
        opened = folder.locator(".directory-toggle.open, .directory-toggle.loading")
        if not opened.count():
            # As an event: pgAdmin draws the tree anew while it loads, and a click would wait for it to stand.
            folder.locator(".directory-toggle").dispatch_event("click")
            self.page.wait_for_timeout(2000)  # a second click would close it again
        return False

    def tool(self, name: str) -> Any:
        """Press a button above the tree, and return the panel that it opens."""
        before = self._panels()
        until(f"the button {name}", lambda: self._pressed(name), 6 * BUTTON / 1000)
        opened = until(f"a panel of {name}", lambda: self._panels() - before)
        # A late press, before the page was loaded anew, may have opened one too: the last is in front.
        return [frame for frame in self.page.frames if frame in opened][-1]

    def _pressed(self, name: str) -> bool:
        """Press a button; where it is not offered, the selection has not arrived, and is made anew."""
        try:
            self.page.get_by_role("button", name=name, exact=True).click(timeout=BUTTON)
        except self._timeout:
            self.page.reload()
            self.open(*self._selected)
            return False
        return True

    def _panels(self) -> set[Any]:
        self.page.wait_for_timeout(100)  # Playwright hears of frames only while it waits
        return {frame for frame in self.page.frames if "/sqleditor/panel/" in frame.url}

    def rows(self) -> Any:
        """Show the rows of the table that is selected."""
        return self.tool("All Rows")

    def query(self, sql: str) -> Any:
        """Run SQL in the database that is selected."""
        panel = self.tool("Query Tool")
        until("the rows of the query", lambda: self._ran(panel, sql), 6 * FORM / 1000)
        return panel

    def _ran(self, panel: Any, sql: str) -> bool:
        """Run SQL in a panel; one that is not connected yet forgets the key, and it is pressed again."""
        editor = panel.locator(".cm-content").first
        editor.fill(sql)
        editor.press("F5")
        try:
            panel.locator(ROW).first.wait_for(timeout=FORM)
        except self._timeout:
            return False
        return True

    def take(self, file: Path) -> None:
        """Take a picture, once the messages that come and go have gone."""
        self.page.set_viewport_size(PICTURE)
        self.page.mouse.move(PICTURE["width"] - 1, PICTURE["height"] / 2)
        self.page.wait_for_timeout(6000)
        self.page.screenshot(path=file)
        self.page.set_viewport_size(TALL)


def grid(panel: Any, columns: int) -> list[tuple[str, ...]]:
    """Return the rows that a panel has in sight, as text, with so many columns."""
    panel.locator(ROW).first.wait_for()
    lines = panel.locator(f"[role=row]:has({ROW})").all()
    texts = [line.locator("[role=gridcell]").all_inner_texts() for line in lines]
    return [tuple(cells[1 : columns + 1]) for cells in texts]

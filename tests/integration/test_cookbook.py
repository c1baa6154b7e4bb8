"""Every page of the cookbook is run as it stands: its SQL, its mapping, its results."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.stars import Stars

PAGES = sorted((ROOT / "docs" / "cookbook").glob("*.md"))
SECONDS = re.compile(r" +\d+\.\d\d s")
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_there_are_pages():
    assert PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_is_true(page, stars):
    Reader(stars).read(page)


class Reader:
    """Does what a page says: changes the source, writes the mapping, runs it, and compares what it shows."""

    def __init__(self, stars: Stars) -> None:
        self.stars = stars
        self.changed = False
        self.found: list[str] | None = None
        stars.source(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC"
        )
        self.compared = 0

    def read(self, page: Path) -> None:
        for language, word, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == "yaml" and word not in ("mapping", "tests"):
                self._file(f"{word}.yml", text)
            else:
                getattr(self, f"_{language}_{word}" if word else f"_{language}")(text)
        assert self.compared, f"{page.name} shows no result"

    def _sql_source(self, text: str) -> None:
        self.stars.source(f"{text}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC")
        self.changed = True

    def _yaml_mapping(self, text: str) -> None:
        (self.stars.folder / "mapping.yml").write_text(text, encoding="utf-8")
        self.changed = True

    def _yaml_tests(self, text: str) -> None:
        (self.stars.folder / "mapping.tests.yml").write_text(text, encoding="utf-8")

    def _sh_test(self, text: str) -> None:
        (line,) = text.splitlines()
        done = self.stars.engine(*shlex.split(line)[1:])
        assert not done.stderr
        self.found = timeless(done.stdout.splitlines())

    def _file(self, name: str, text: str) -> None:
        (self.stars.folder / name).write_text(text, encoding="utf-8")

    def _sh_show(self, text: str) -> None:
        (line,) = text.splitlines()
        done = self.stars.engine(*shlex.split(line)[1:])
        assert done.returncode == 0, done.stderr
        self.found = done.stdout.splitlines()

    def _sh_run(self, text: str) -> None:
        for line in text.splitlines():
            done = self.stars.engine(*shlex.split(line)[1:])
            assert done.returncode == 0, done.stderr
        self.changed = False

    def _sql_warehouse(self, text: str) -> None:
        if self.changed:
            self._sh_run("engine run mapping.yml")
        rows = self.stars.warehouse(f"SELECT q::text FROM ({text}) AS q")
        self.found = [fields(row) for (row,) in rows]

    def _text(self, text: str) -> None:
        assert self.found == timeless(text.splitlines())
        self.found = None
        self.compared += 1


def timeless(lines: list[str]) -> list[str]:
    """Return lines without the seconds that something took."""
    return [SECONDS.sub(" 0.00 s", line) for line in lines]


def fields(row: str) -> str:
    """Return a row, as PostgreSQL writes it, as the page does."""
    return " | ".join(next(csv.reader([row[1:-1]])))

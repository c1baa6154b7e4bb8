"""The stack on a real Docker. A laptop may lack it and skip; the CI may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.stack import Stack, call, stack

HERE = Path(__file__).parent
# They take minutes: begun last, one of them would be waited for alone.
LONGEST = ("test_failures.py", "test_schedule.py", "test_files.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: `make test` leaves it out, `make test-compose` takes only it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("compose")
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def _docker() -> None:
    """Skip where no Docker answers, but fail in the CI."""
    output = call("docker", "compose", "version")
    if output.code == 0:
        output = call("docker", "version")
    if output.code != 0:
        reason = f"no Docker with Compose answers: {output.text.strip()}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with its star, which all tests of a file share, each leaving it up and right."""
    with stack(tmp_path_factory.mktemp("stack")) as made:
        made.make_env()
        made.up()
        yield made


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Stack]:
    """A stack of one test's own, with its .env, not yet up."""
    with stack(tmp_path / "stack") as made:
        made.make_env()
        yield made

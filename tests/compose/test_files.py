"""What docker-compose.dev.yml and docker-compose.test.yml do to the stack."""

from __future__ import annotations

import shutil

import pytest

from tests.compose.stack import ROOT, docker, listens

KINDS = {"dev": "docker-compose.dev.yml", "test": "docker-compose.test.yml"}


@pytest.fixture
def dev(fresh):
    """The stack with docker-compose.dev.yml, loaded."""
    shutil.copy2(ROOT / KINDS["dev"], fresh.folder)
    fresh.files.append(KINDS["dev"])
    fresh.up()
    return fresh


def test_for_development_every_port_is_open_and_only_to_this_machine(dev):
    for name, service in (
        ("SOURCE_PORT", "source-db"),
        ("WAREHOUSE_PORT", "warehouse"),
        ("REDIS_PORT", "redis"),
    ):
        port = int(dev.settings[name])
        inside = 6379 if service == "redis" else 5432
        assert docker("port", dev.container(service)) == f"{inside}/tcp -> 127.0.0.1:{port}"
        assert listens(port)


def test_for_development_the_log_is_text_at_debug_level(dev):
    said = dev.engine("run", "mappings/star.yml").error
    assert "debug: begin copy (" in said
    assert not any(line.startswith("{") for line in said.splitlines())


def test_for_development_an_edit_of_python_takes_effect_without_a_rebuild(dev):
    image = dev.inspect("etl")["Image"]
    file = dev.folder / "engine/__init__.py"
    text = file.read_text()
    assert text.count('__version__ = "') == 1
    file.write_text(text.replace('__version__ = "', '__version__ = "edited-'))
    assert dev.engine("--version").out.startswith("engine, version edited-")
    assert dev.inspect("etl")["Image"] == image


@pytest.fixture
def tests(fresh):
    """The stack with docker-compose.test.yml, not yet up."""
    shutil.copy2(ROOT / KINDS["test"], fresh.folder)
    shutil.copytree(ROOT / "tests", fresh.folder / "tests")
    fresh.files.append(KINDS["test"])
    return fresh


def test_the_tests_of_the_stack_pass_in_it(tests):
    output = tests.try_("run", "--rm", "--no-TTY", "tests", "-p", "no:randomly")
    assert output.code == 0, output.text
    assert "5 passed" in output.out
    assert "skipped" not in output.out
    assert docker("port", tests.container("warehouse")) == ""


def test_it_ends_with_the_exit_code_of_pytest(tests):
    wrong = tests.folder / "tests/stack/test_wrong.py"
    wrong.write_text("def test_that_fails():\n    assert False, 'as it should'\n")
    wrong.chmod(0o644)
    up = ("up", "--exit-code-from", "tests", "tests")
    output = tests.try_(*up)
    assert output.code == 1, output.text
    assert "as it should" in output.text
    assert "5 passed" in output.text

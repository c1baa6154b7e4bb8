"""The image of the engine: small, without a compiler, nobody's root."""

from __future__ import annotations

import json

import pytest

from tests.compose.stack import ROOT, call, docker


@pytest.fixture(scope="module")
def image():
    """The image as the Dockerfile makes it, under a name of its own."""
    name = "star-schema-test-image"
    docker("build", "--quiet", "--tag", name, str(ROOT))
    yield name
    docker("image", "rm", name)


def test_it_is_under_200_mb(image):
    assert int(docker("image", "inspect", "--format", "{{.Size}}", image)) < 200_000_000


def test_it_runs_as_nobody_in_particular(image):
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    assert int(config["User"]) > 1000
    assert config["Entrypoint"] == ["engine"]


@pytest.mark.parametrize("tool", ["gcc", "cc", "g++", "make", "ld"])
def test_it_holds_no_compiler(image, tool):
    words = ("run", "--rm", "--entrypoint", "sh", image, "-c", f"command -v {tool}")
    assert call("docker", *words).out == ""


def test_its_packages_are_those_of_the_constraints(image):
    script = (
        "import jinja2, pathlib; from importlib.metadata import distributions;"
        "folder = str(pathlib.Path(jinja2.__file__).parents[1]);"
        "print(*(f'{one.name}=={one.version}'.lower() for one in distributions(path=[folder])))"
    )
    found = docker("run", "--rm", "--entrypoint", "python", image, "-c", script).split()
    pinned = {line.lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    own = [name for name in found if name.startswith("star-schema-engine")]
    assert len(own) == 1
    assert len(found) > 8
    assert {name.replace("_", "-") for name in set(found) - set(own)} <= {
        name.replace("_", "-") for name in pinned
    }


def test_it_holds_no_settings_no_history_and_nothing_of_the_project_but_the_package(image):
    script = "cd /app && find . -mindepth 1; find / -xdev \\( -name '.env*' -o -name .git \\); true"
    assert docker("run", "--rm", "--entrypoint", "sh", image, "-c", script) == "./logs"

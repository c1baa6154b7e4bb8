"""A document that follows the schema is not held against it again, and one that does not always is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.mapping import deviations as asked
from engine.mapping import shape
from engine.mapping.deviations import MOST, deviations
from engine.mapping.read import read_text
from tests.conftest import ROOT

SCHEMA = (
    '{"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": false}'
)


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """Keep what is remembered in a folder of the test, and let it be written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Make a package with a schema of its own, and return its folder."""
    folder = tmp_path / "packages" / "little_language"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "schema.json").write_text(SCHEMA)
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder
    sys.modules.pop("little_language", None)


@pytest.fixture
def proved(monkeypatch):
    """Keep the names of the documents that are held against a schema."""
    names, departures = [], shape.departures

    def noted(document, **words):
        names.append(document.data.get("name"))
        shape._validator.cache_clear()
        return departures(document, **words)

    monkeypatch.setattr(shape, "departures", noted)
    return names


def ask(text, **words):
    document, _ = read_text(text, "little.yml")
    return [d.problem.what for d in deviations(document, package="little_language", **words)]


def test_a_document_is_proved_once_whatever_its_comments_say(memory, package, proved):
    assert [ask("name: a"), ask("# b\nname:   'a'\n")] == [[], []]
    assert proved == ["a"]


@pytest.mark.parametrize("other", ["name: b", "{}", "name: a\nfirst: 1"])
def test_another_document_is_another_question(memory, package, proved, other):
    assert ask("name: a") == []
    ask(other)
    assert len(proved) == 2


def test_what_deviates_is_never_remembered(memory, package, proved):
    assert [len(ask("first: 1")) for _ in range(3)] == [1, 1, 1]
    assert len(proved) == 3
    assert not list(memory.rglob("schema.*"))


def test_an_included_part_is_not_taken_for_a_whole(memory, package, proved):
    (package / "schema.json").write_text(SCHEMA.replace("{", '{"required": ["name"], ', 1))
    assert ask("{}", part=True) == []
    assert len(ask("{}")) == 1


def test_another_schema_is_another_question(memory, package, proved):
    assert ask("name: a") == []
    (package / "schema.json").write_text(SCHEMA.replace("string", "integer"))
    assert len(ask("name: a")) == 1


def test_only_the_last_documents_are_remembered(memory, package, proved):
    for number in range(MOST + 1):
        ask(f"name: n{number}")
    (file,) = memory.rglob("schema.*")
    assert len(file.read_text().split()) == MOST
    ask(f"name: n{MOST}")
    assert len(proved) == MOST + 1
    ask("name: n0")
    assert len(proved) == MOST + 2


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no hash\n"])
def test_a_memory_that_is_damaged_is_none(memory, package, proved, content):
    ask("name: a")
    (file,) = memory.rglob("schema.*")
    file.write_bytes(content)
    assert ask("name: a") == []
    assert len(proved) == 2


def test_where_nothing_may_be_written_it_is_proved_each_time(memory, package, proved, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert [ask("name: a"), ask("name: a")] == [[], []]
    assert len(proved) == 2


def test_a_mapping_that_is_known_needs_no_jsonschema(tmp_path):
    own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    code = (
        "import sys; from pathlib import Path; from engine.mapping.load import load; "
        "load(Path('mappings/star.yml')); print('jsonschema' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=own | {"PYTHONPYCACHEPREFIX": str(tmp_path)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def test_the_language_is_that_of_the_package(memory):
    assert Path(str(asked.files(asked.LANGUAGE))) == ROOT / "engine/mapping"

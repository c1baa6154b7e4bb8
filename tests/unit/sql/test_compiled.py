"""Compiled templates are kept beside them, and are never older than what they were made of."""

import sys
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, nodes

from engine.sql import render
from engine.sql.compiled import Compiled
from engine.sql.dialect import DIALECTS


@pytest.fixture
def compiles(monkeypatch):
    """Keep what Jinja compiles, and let Python write what it compiles."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    names = []
    compile_ = Environment.compile

    def counted(self, source, name=None, *arguments, **options):
        names.append(name)
        return compile_(self, source, name, *arguments, **options)

    monkeypatch.setattr(Environment, "compile", counted)
    return names


@pytest.fixture
def said(tmp_path):
    """Say the template greet.sql in an environment of its own, as another process would."""

    def say(name="Ada"):
        environment = Environment(loader=FileSystemLoader(tmp_path), bytecode_cache=Compiled())
        return environment.get_template("greet.sql").render(name=name)

    (tmp_path / "greet.sql").write_text("hello {{ name }}")
    return say


def kept(folder):
    return list((folder / "__pycache__").glob("*"))


def test_a_template_is_compiled_once_for_all_processes(compiles, said, tmp_path):
    assert [said(), said("Bob")] == ["hello Ada", "hello Bob"]
    assert compiles == ["greet.sql"]
    (file,) = kept(tmp_path)
    assert file.name.startswith(f"greet.{sys.implementation.cache_tag}.opt-jinja3")


def test_a_template_that_has_changed_is_compiled_again(compiles, said, tmp_path):
    said()
    (tmp_path / "greet.sql").write_text("bye {{ name }}")
    assert [said(), said()] == ["bye Ada", "bye Ada"]
    assert len(compiles) == 2
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("length", [0, 1, 10, 30, 60, 200])
def test_a_file_that_is_cut_off_is_made_again(compiles, said, tmp_path, length):
    said()
    (file,) = kept(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:length])
    assert said() == "hello Ada"
    assert len(compiles) == 2
    assert file.read_bytes() == whole


def test_where_nothing_can_be_written_it_is_compiled_each_time(compiles, said, tmp_path):
    (tmp_path / "__pycache__").write_text("a file, where a folder would be")
    assert [said(), said()] == ["hello Ada", "hello Ada"]
    assert len(compiles) == 2


def test_what_python_may_not_write_is_not_written(compiles, said, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert [said(), said()] == ["hello Ada", "hello Ada"]
    assert kept(tmp_path) == []


def test_it_is_written_where_python_writes_its_modules(compiles, said, tmp_path, monkeypatch):
    prefix = tmp_path / "elsewhere"
    monkeypatch.setattr(sys, "pycache_prefix", str(prefix))
    assert [said(), said()] == ["hello Ada", "hello Ada"]
    assert len(compiles) == 1
    assert kept(tmp_path) == []
    assert [file for file in prefix.rglob("greet.*") if file.is_file()]


def test_an_installation_can_be_given_all_of_them(compiles, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    templates = set(Path(render.__file__).parent.rglob("*.sql"))
    for _ in range(2):
        render._environment.cache_clear()
        render.compile_all()
    render._environment.cache_clear()
    assert len(compiles) == len(list(tmp_path.rglob("*.pyc"))) == len(templates)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_no_template_prints_a_constant(dialect):
    # Jinja computes those when it compiles, with the filters of that day.
    environment = render._environment(dialect)
    for name in environment.list_templates(extensions=["sql"]):
        source, _, _ = environment.loader.get_source(environment, name)
        for output in environment.parse(source).find_all(nodes.Output):
            for node in output.nodes:
                if not isinstance(node, nodes.TemplateData):
                    with pytest.raises(nodes.Impossible):
                        node.as_const()

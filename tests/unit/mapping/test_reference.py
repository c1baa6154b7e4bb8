"""The schema explains every key, its examples are right, and the reference says all of it."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.mapping.calendar import CALENDAR_COLUMNS
from engine.mapping.read import read_text
from engine.mapping.reference import reference
from engine.mapping.shape import schema

PAGE = Path(__file__).parents[3] / "docs" / "mapping-reference.md"


def keys(part, path=""):
    """Yield the path and the schema of every key, wherever in the schema it is defined."""
    if isinstance(part, list):
        for at, each in enumerate(part):
            yield from keys(each, f"{path}/{at}")
    elif isinstance(part, dict):
        for name, each in part.get("properties", {}).items():
            yield f"{path}/{name}", each
        for name, each in part.items():
            if name not in ("examples", "default", "required"):
                yield from keys(each, f"{path}/{name}")


KEYS = dict(keys(schema()))


def test_there_are_keys():
    assert len(KEYS) > 55


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", KEYS)
def test_every_key_is_described(path):
    assert len(KEYS[path]["description"]) > 10
    assert KEYS[path]["description"].endswith(".")


@pytest.mark.parametrize("path", KEYS)
def test_every_key_is_in_the_reference(path):
    page = reference()
    assert KEYS[path]["description"] in page
    name = path.rpartition("/")[2]
    assert f"### `{name}`" in page or f".{name}`" in page


@pytest.mark.parametrize("path", KEYS)
def test_examples_and_defaults_are_right(path):
    key = KEYS[path]
    validator = Draft202012Validator({**key, "$defs": schema()["$defs"]})
    for value in [*key.get("examples", []), *([key["default"]] if "default" in key else [])]:
        validator.validate(value)


def maps(part):
    if isinstance(part, list):
        for each in part:
            yield from maps(each)
    elif isinstance(part, dict):
        if "properties" in part:
            yield part
        for each in part.values():
            yield from maps(each)


def test_nothing_but_known_keys_is_taken_anywhere():
    for part in maps(schema()):
        assert "additionalProperties" in part, part["properties"].keys()
        open_ones = {"env", "key", "warehouse"}  # of maps whose other keys are names
        assert part["additionalProperties"] is False or set(part["properties"]) <= open_ones


def test_the_examples_on_the_page_are_yaml():
    blocks = reference().split("```yaml\n")[2:]
    assert len(blocks) > 30
    for block in blocks:
        for line in block.partition("```")[0].replace("\n  ", "\x00").splitlines():
            document, found = read_text(line.replace("\x00", "\n  "), "page")
            assert len(document.data) == 1
            assert found == ()


def test_the_page_is_what_the_schema_says():
    assert PAGE.read_text(encoding="utf-8") == reference(), "run python -m engine.mapping.reference"


def test_the_columns_of_a_calendar_are_on_the_page():
    assert all(f"| `{column.name}` | {column.type} |" in reference() for column in CALENDAR_COLUMNS)

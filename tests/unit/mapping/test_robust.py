"""Whatever is in a file, loading it gives a star or problems at their places, and soon."""

import string
import time
from contextlib import suppress
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import MappingError
from engine.mapping.load import load

STAR = (Path(__file__).parents[3] / "mappings" / "star.yml").read_text(encoding="utf-8")
LINES = STAR.splitlines(keepends=True)
quietly = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def ends_well(raw, folder):
    path = folder / "m.yml"
    path.write_bytes(raw)
    start = time.process_time()
    problems = ()
    try:
        loaded = load(path)
    except MappingError as error:
        problems = error.problems
        assert problems
    else:
        assert loaded.star.entries
    assert time.process_time() - start < 5
    lines = raw.count(b"\n") + raw.count(b"\r") + 1
    for problem in problems:
        assert problem.what
        assert problem.where.line <= lines
        assert "object at 0x" not in str(problem)


@quietly
@given(raw=st.binary(max_size=200))
def test_any_bytes(raw, tmp_path):
    ends_well(raw, tmp_path)


@quietly
@given(text=st.text(st.sampled_from("ab:-[]{},&*!|>'\"%#?@`\n\t 01.~<=\\\x00é"), max_size=80))
def test_anything_like_yaml(text, tmp_path):
    ends_well(text.encode(), tmp_path)
    ends_well(b"version: 1\nname: a\ndimensions:\n  d:\n    " + text.encode(), tmp_path)


def with_lines_moved(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "swap", "deeper", "higher"]))
        if change == "drop":
            del lines[at]
        elif change == "double":
            lines.insert(other, lines[at])
        elif change == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = "  " + lines[at] if change == "deeper" else lines[at].removeprefix("  ")
        if not lines:
            return ""
    return "".join(lines)


@quietly
@given(data=st.data())
def test_the_star_with_lines_moved(data, tmp_path):
    ends_well(with_lines_moved(data).encode(), tmp_path)


@quietly
@given(data=st.data())
def test_the_star_with_characters_changed(data, tmp_path):
    text = STAR
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text)))
        more = data.draw(st.text(st.sampled_from(string.punctuation + " \n\tab1é"), max_size=3))
        text = text[:at] + more + text[at + data.draw(st.integers(0, 3)) :]
    ends_well(text.encode(), tmp_path)


def places(value, path=()):
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield from places(inner, (*path, key))


PLACES = [path for path in places(yaml.safe_load(STAR.replace("on:", "'on':"))) if path]
SCALARS = [
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**17,
    "",
    " ",
    "x",
    "a.b",
    "x" * 70,
    "é" * 40,
]
WORDS = ["{{ vars.x }}", "{{", "(", ";", "unknown", "dim_users", "2020-01-01", "5%", "$x", "\x07"]
LISTS = [[], [[]], [None], ["x", "x"], [{"not_null": "x"}]]
MAPS = [{}, {"x": None}, {"key": 1}, {"": ""}, {"sql": "{{ this }}"}, {"expr": None}, {"on": {}}]
VALUES = st.sampled_from([*SCALARS, *WORDS, *LISTS, *MAPS])


@quietly
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4))
def test_the_star_with_values_replaced(changes, tmp_path):
    star = yaml.safe_load(STAR.replace("on:", "'on':"))
    for path, value in changes:
        with suppress(KeyError, IndexError, TypeError):  # an earlier change took the place away
            parent = star
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = value
    ends_well(yaml.safe_dump(star, sort_keys=False, allow_unicode=True).encode(), tmp_path)

"""Places: of entries, and of single characters of what they say."""

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.mapping.offsets import moved
from engine.mapping.read import read_text

TEXT = """\
version: 1
name: star
dimensions:
  dim_users:
    key: user_key
    columns:
      user_id:
      a.b: {expr: x}
      c: lower(c)
    checks: [{not_null: name},
      {unique: a}]
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("name", "2:7"),  # a value beside its key
        ("dimensions", "3:1"),  # a value below its key
        ("dimensions.dim_users.key", "5:10"),
        ("dimensions.dim_users.columns.user_id", "7:7"),  # nothing: its key
        ("dimensions.dim_users.columns.a.b", "8:12"),  # a dot in a name
        ("dimensions.dim_users.columns.a.b.expr", "8:19"),
        ("dimensions.dim_users.checks.0", "10:14"),
        ("dimensions.dim_users.checks.1.unique", "11:16"),
        ("dimensions.dim_users.checks.1.unique.7.more", "11:16"),  # the nearest above
        ("dimensions.dim_users.load", "4:3"),
    ],
)
def test_place(path, place):
    document, _ = read_text(TEXT, "m.yml")
    assert str(document.place(path)) == f"m.yml:{place}: {path}"


@pytest.mark.parametrize("path", ["", "nothing", "nothing.at.all", ".", "..", "version.", "0"])
def test_place_of_what_is_not_there_is_the_file(path):
    document, _ = read_text(TEXT, "m.yml")
    assert document.place(path).file == "m.yml"
    assert document.inside(path, 5).file == "m.yml"
    assert document.key_place(path).file == "m.yml"


def test_key_place():
    document, _ = read_text(TEXT, "m.yml")
    assert str(document.key_place("name")) == "m.yml:2:1: name"
    assert document.key_place("dimensions.dim_users.checks.1").column == 7


def test_text_path():
    document, _ = read_text(TEXT, "m.yml")
    columns = "dimensions.dim_users.columns"
    assert document.text_path(f"{columns}.a.b", "expr") == f"{columns}.a.b.expr"
    assert document.text_path(f"{columns}.c", "expr") == f"{columns}.c"


SELECT = "SELECT a, b FROM t"


@pytest.mark.parametrize(
    ("text", "value", "word", "place"),
    [
        ("q: SELECT a, b FROM t", SELECT, "FROM", "1:16"),
        ("q: 'SELECT a, b FROM t'", SELECT, "FROM", "1:17"),
        ("q: |\n  SELECT a, b\n  FROM t\n", "SELECT a, b\nFROM t\n", "FROM", "3:3"),
        ("q: |\n  SELECT\n    a,\n    b\n", "SELECT\n  a,\n  b\n", "b", "4:5"),
        ("q: |-\n\n  SELECT\n\n  b", "\nSELECT\n\nb", "b", "5:3"),
        ("q: |2\n    SELECT b\n", "  SELECT b\n", "b", "2:12"),
        ("q: | # why\n  SELECT b\n", "SELECT b\n", "b", "2:10"),
        ("q: >\n  SELECT a,\n  b FROM t\n", "SELECT a, b FROM t\n", "FROM", "3:5"),
        ("q: >\n  SELECT a\n\n    , b\n  FROM t\n", "SELECT a\n\n  , b\nFROM t\n", "FROM", "5:3"),
        ("q: SELECT a,\n   b\n\n   FROM t", "SELECT a, b\nFROM t", "FROM", "4:4"),
        ("q: 'it''s a\n   FROM t'", "it's a FROM t", "FROM", "2:4"),
        ('q: "a\\tb\\n FROM t"', "a\tb\n FROM t", "FROM", "1:12"),
        ('q: "a \\u00e9 \\x41 \\U0001F600 FROM t"', "a é A 😀 FROM t", "FROM", "1:30"),
        ('q: "a \\\n    FROM t"', "a FROM t", "FROM", "2:5"),
        ("q: 'é😀 FROM t'", "é😀 FROM t", "FROM", "1:8"),
    ],
)
def test_inside(text, value, word, place):
    document, _ = read_text(text, "m.yml")
    assert document.data["q"] == value
    assert str(document.inside("q", value.index(word))) == f"m.yml:{place}: q"


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"]) | st.just("\n"),
    min_size=1,
    max_size=60,
)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["", "'", '"', "|", ">"]), st.integers(20, 80), st.booleans())
@example("a  b\n\n c", ">", 20, True)
@example("it's 'so'", "'", 20, True)
def test_each_visible_character_is_found_where_it_is_written(value, style, width, unicode):
    text = yaml.dump(
        {"top": {"deep": value}}, default_style=style, width=width, allow_unicode=unicode
    )
    document, _ = read_text(text, "m.yml")
    if document.data["top"]["deep"] != value:  # PyYAML folds some texts for good
        return
    lines = text.split("\n")
    before = (0, 0)
    for offset, character in enumerate(value):
        place = document.inside("top.deep", offset)
        assert (place.line, place.column) >= before
        before = (place.line, place.column)
        if not character.isspace():
            found = lines[place.line - 1][place.column - 1]
            assert found in (character, "\\", "'" if style == "'" else character)


@settings(deadline=None)
@given(TEXTS, st.integers(-5, 200))
def test_inside_never_fails(value, offset):
    document, _ = read_text(yaml.dump({"a": value}), "m.yml")
    place = document.inside("a", offset)
    assert place.line >= 1
    assert place.column >= 1


def test_moved_follows_what_a_template_printed():
    raw = "SELECT a FROM {{ vars.t }} WHERE b = {{ vars.n }} AND c"
    rendered = "SELECT a FROM orders WHERE b = 1 AND c"
    for word in ("SELECT", "FROM", "WHERE", "b =", "AND", "c"):
        assert moved(rendered.index(word), rendered, raw) == raw.index(word)
    assert moved(rendered.index("orders"), rendered, raw) == raw.index("{{ vars.t")
    assert moved(len(rendered), rendered, raw) == len(raw)


@given(st.text(max_size=80), st.text(max_size=80), st.integers(-3, 100))
def test_moved_never_leaves_the_text(rendered, raw, offset):
    assert 0 <= moved(offset, rendered, raw) <= len(raw)

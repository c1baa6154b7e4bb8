"""The scanner knows where an SQL text begins and ends, and nothing of what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.scan import scan


def found(text, **rules):
    return [(finding.offset, finding.what) for finding in scan(text, **rules).findings]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("SELECT 1", "SELECT 1"),
        ("  SELECT 1 ;", "  SELECT 1"),
        ("SELECT 1;;\n ; -- the end", "SELECT 1"),
        ("SELECT 1; /* the end */", "SELECT 1"),
        ("SELECT 1 -- no line end", "SELECT 1 -- no line end\n"),
        ("SELECT 1 -- a line end\n", "SELECT 1 -- a line end\n"),
        ("SELECT ';'", "SELECT ';'"),
        ("SELECT 'it''s;'", "SELECT 'it''s;'"),
        (r"SELECT E'a\';', 1", r"SELECT E'a\';', 1"),
        (r"SELECT 'a\', 1", r"SELECT 'a\', 1"),
        (r"SELECT e'\\', ';'", r"SELECT e'\\', ';'"),
        ('SELECT 1 AS "a;b""c"', 'SELECT 1 AS "a;b""c"'),
        ("SELECT $$;'$$", "SELECT $$;'$$"),
        ("SELECT $a$ $$ ; $a$", "SELECT $a$ $$ ; $a$"),
        ("SELECT $größe$ ; $größe$", "SELECT $größe$ ; $größe$"),
        ("SELECT $1, a$1 FROM t$x", "SELECT $1, a$1 FROM t$x"),
        ("SELECT /* /* ; */ ( */ 1", "SELECT /* /* ; */ ( */ 1"),
        ("SELECT 1 -- ; (", "SELECT 1 -- ; (\n"),
        ("-- first\n(SELECT a[1] FROM t)", "-- first\n(SELECT a[1] FROM t)"),
        ("with x as (select 1) table x", "with x as (select 1) table x"),
        ("VALUES (1, 2)", "VALUES (1, 2)"),
        ("SELECT 1 - -1, 2/ *3", "SELECT 1 - -1, 2/ *3"),
        ("SELECT name, nature'x'", "SELECT name, nature'x'"),
    ],
)
def test_queries_that_are_right(text, cut):
    assert found(text, query=True) == []
    assert scan(text, query=True).text == cut


@pytest.mark.parametrize(
    ("text", "offset", "what"),
    [
        ("", 0, "there is no SQL in it"),
        (" \n-- nothing\n/* at all */", 0, "there is no SQL in it"),
        (";", 0, "there is no SQL in it"),
        ("SELECT 'a", 7, "this ' is not closed"),
        ("SELECT 'a''", 7, "this ' is not closed"),
        (r"SELECT E'a\'", 7, "this ' is not closed"),
        ('SELECT "a', 7, 'this " is not closed'),
        ("SELECT $a$ $$ $b$", 7, "this $a$ is not closed"),
        ("SELECT 1 /* /* */", 9, "this comment is not closed"),
        ("SELECT (1", 7, "this ( is not closed"),
        ("SELECT (1, (2)", 7, "this ( is not closed"),
        ("SELECT 1)", 8, "this ) closes nothing"),
        ("SELECT (a[1)]", 11, "this ) closes nothing"),
        ("SELECT 1; SELECT 2", 8, "a second statement begins after this ;"),
        ("SELECT 1; -- more\nSELECT 2;", 8, "a second statement begins after this ;"),
        ("SELECT 1 -- a\r; SELECT 2", 14, "a second statement begins after this ;"),
        ("SELECT 1;; x", 8, "a second statement begins after this ;"),
        ("delete from t", 0, "a query cannot begin with DELETE"),
        ("/* x */ 'a'", 8, "a query cannot begin with 'a'"),
    ],
)
def test_queries_that_are_wrong(text, offset, what):
    assert found(text, query=True) == [(offset, what)]


def test_expressions():
    assert found("coalesce(a, b)", single=True) == []
    assert found("ARRAY[a, b]", single=True) == []
    assert found("a, b", single=True) == [(1, "a comma outside of brackets")]
    assert found("a; b", single=True) == [(1, "a ; cannot stand here")]
    assert found("a;", single=True) == [(1, "a ; cannot stand here")]
    assert found("a DESC, b") == []
    assert scan("a -- why", single=True).text == "a -- why\n"


QUOTED = [
    "'a;('",
    "''''",
    r"E'\';('",
    '"b;("',
    '""""',
    "$$;('$$",
    "$t$;$$($t$",
    "-- ;('\n",
    "/*;(' /*'*/*/",
]
SIMPLE = ["(1)", "[2]", "x", "$1", "42", "+", "::text", "é", " ", "\n", ",", "a$b$c"]
PIECES = st.lists(st.sampled_from(QUOTED + SIMPLE), max_size=12)


@given(PIECES)
def test_whole_pieces_stay_whole_whatever_stands_beside_them(pieces):
    text = "SELECT " + " ".join(pieces)
    assert found(text, query=True) == []
    assert scan(text + "\n;", query=True).text.rstrip() == text.rstrip()
    assert found(f"{text}\n; x", query=True) == [
        (len(text) + 1, "a second statement begins after this ;")
    ]
    assert found(f"{text}\n(", query=True) == [(len(text) + 1, "this ( is not closed")]
    assert found(f"{text}\n'", query=True) == [(len(text) + 1, "this ' is not closed")]


@given(
    st.text(st.sampled_from("'\"$-/*;()[]Ee\\a1 \n,é"), max_size=40), st.booleans(), st.booleans()
)
def test_any_text_is_scanned(text, query, single):
    result = scan(text, query=query, single=single)
    assert all(0 <= finding.offset <= len(text) for finding in result.findings)
    if not result.findings:
        # What was found right can stand in brackets: nothing of it reaches beyond them.
        assert found(f"SELECT ({result.text})", query=True) == []


@pytest.mark.parametrize("piece", ["(", "'", "$a$", "/*", "--", "$", "a", '"', "E'", ";", "[("])
def test_a_long_text_is_scanned_in_little_time(piece):
    scan((piece * 300_000)[:300_000], query=True)

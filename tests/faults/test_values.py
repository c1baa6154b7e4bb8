"""Awkward values of the data: all arrive as they are, or the run says which cannot; none gets into SQL."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from tests.conftest import query, query_outside
from tests.faults.shop import (
    content,
    past,
    run_here,
    wait_until,
)
from tests.integration.stars import Stars, counts, dimension, fact, star

MANY = 300  # columns
OWN_TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'it''s "fine"');
CREATE DOMAIN positive AS numeric CHECK (value > 0 OR value IS NULL);
"""
COLUMNS = {
    "word": "text",
    "number": "numeric",
    "float": "double precision",
    "day": "date",
    "at": "timestamptz",
    "bytes": "bytea",
    "list": "text[]",
    "document": "jsonb",
    "mood": "mood",
    "span": "numrange",
    "amount": "positive",
    "Weird Column; --": "text",
}
# A row in each line or two.
ROWS = r"""
('', 'NaN', 'NaN', '4713-01-01 BC', '-infinity', '', '{}', 'null', 'sad', 'empty', 1e30,
 '''; DROP TABLE canary; --'),
('\N', 1e30, 'Infinity', 'infinity', 'infinity', '\x00', '{NULL,"NULL",""}', '{}', NULL, '(,)', NULL, '\N'),
('\.', -1e-30, '-0', '5874897-12-31', '294276-12-31 23:59:59.999999+00', '\x5c4e', '{"a,b","{x}"}',
 '"\\u0041"', 'it''s "fine"', '[NaN,NaN]', 0.1, E'tab\there'),
('\x00 \000 %s %(x)s', 'Infinity', 5e-324, '0001-01-01 BC', '0001-01-01 00:00+00 BC', '\x0a0d',
 '{{a},{b}}', '[1, 1.10]', NULL, '[1.10,2)', 1.10, '{{ vars.x }} {% for %} :name $1'),
('🦑🏴‍☠️ e' || U&'\0301', '-Infinity', 1e308, '2024-02-29', '2024-03-31 02:30+02',
 decode(repeat('ff00', 500000), 'hex'), NULL, '{"🦑": "''"}', NULL, NULL, NULL, repeat('é', 500000)),
(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
# Without the names of the seed that are in no Latin alphabet.
PLAIN = """
UPDATE users SET name = 'N.N.', city = NULL WHERE concat(name, city) ~ '[^ -~]';
UPDATE products SET name = 'Thing', category = NULL WHERE concat(name, category) ~ '[^ -~]'
"""


@pytest.fixture
def stars(databases, tmp_path):
    return Stars(databases, tmp_path)


def fill(stars):
    """Make a table of awkward values, with a column that is generated, and many more."""
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in COLUMNS.items())
    more = ", ".join(f"c{n} int DEFAULT {n}" for n in range(MANY - len(COLUMNS)))
    stars.source(
        f"{OWN_TYPES} CREATE TABLE awkward (id int GENERATED ALWAYS AS IDENTITY, {columns}, {more}, "
        'doubled numeric GENERATED ALWAYS AS ("number" * 2) STORED, changed_at timestamptz DEFAULT now())'
    )
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    stars.source(f"SET timezone = 'UTC'; INSERT INTO awkward ({names}) VALUES {ROWS}")


def awkward():
    """Return a mapping of it: a dimension whose key is awkward, too, and a fact that looks it up."""
    names = ["id", *COLUMNS, *(f"c{n}" for n in range(MANY - len(COLUMNS))), "doubled"]
    return star(
        dim_word=dimension(
            "SELECT id, word, number, changed_at FROM awkward WHERE word IS NOT NULL",
            dict.fromkeys(["word", "id"]),
            natural_key="word",
            special_members={"unknown": {"key": -1, "word": "'; DROP TABLE canary; --"}},
            checks=[{"accepted": {"word": ["'; DROP TABLE canary; --"]}, "severity": "warn"}],
        ),
        awkward=fact(
            "SELECT * FROM awkward",
            dict.fromkeys(names),
            load="upsert",
            cursor="changed_at",
            lookups={"word_key": {"dimension": "dim_word", "on": "word", "missing": "unknown"}},
        )
        | {"description": 'it\'s "awkward" \\ %s; --'},
    )


def everything(stars, ask):
    """Return every value of the table as text, exactly."""
    pins = "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET extra_float_digits = 3; SET bytea_output = 'hex'"
    names = ", ".join(
        f'"{name}"::text' for name in (*COLUMNS, "c0", f"c{MANY - len(COLUMNS) - 1}", "doubled")
    )
    return ask(f"{pins}; SELECT id, {names} FROM public.awkward ORDER BY id")


def test_awkward_values_arrive_exactly_also_after_a_kill(stars, engine, watch):
    fill(stars)
    stars.source("CREATE TABLE canary ()")
    stars.warehouse("CREATE TABLE canary ()")
    path = stars.write(awkward())
    running = engine(mapping=path)
    wait_until(
        lambda: watch.sessions("warehouse", "strpos(query, 'engine_stage') > 0"), "it stages"
    )
    running.interrupt(signal.SIGKILL)
    watch.wait_for_silence()
    report = stars.run(path)
    sent = everything(stars, stars.source)
    assert len(sent) == 6
    assert everything(stars, stars.warehouse) == sent
    assert max(len(value) for row in sent for value in row if isinstance(value, str)) > 1_000_000
    assert counts(report, "awkward") == {"read": 6, "inserted": 6}
    assert counts(report, "dim_word") == {"read": 5, "inserted": 5}
    keys = "SELECT count(DISTINCT word_key), min(word_key) FROM awkward JOIN dim_word ON key = word_key"
    assert stars.warehouse(keys) == [(6, -1)]
    again = stars.run(path)
    assert [counts(again, name)["unchanged"] for name in ("dim_word", "awkward")] == [5, 6]
    for ask in (stars.source, stars.warehouse):
        assert ask("SELECT to_regclass('canary') IS NOT NULL") == [(True,)]


def make_anew(server, encoding):
    """Make a database of a test anew, empty and in another encoding."""
    outside = replace(server, database="postgres")
    query_outside(outside, f"DROP DATABASE {server.database} WITH (FORCE)")
    query_outside(
        outside,
        f"CREATE DATABASE {server.database} OWNER {server.owner} TEMPLATE template0 "
        f"ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'",
    )


def test_a_letter_that_the_warehouse_cannot_store_is_named_with_its_column(
    databases, engine, watch
):
    """A LATIN1 warehouse holds an é, and no squid."""
    make_anew(databases.warehouse, "LATIN1")
    query(databases.source_admin_url, PLAIN)
    query(databases.source_admin_url, "UPDATE users SET name = 'José' WHERE user_id = 7")
    run_here(databases)
    jose = "SELECT count(*) FROM dim_users WHERE name = 'José'"
    assert query(databases.warehouse_url, jose) == [(1,)]
    before = content(databases)
    query(databases.source_admin_url, "UPDATE users SET city = 'Squid 🦑' WHERE user_id = 7")
    running = engine()
    assert running.wait() == 1, running.errors
    last = running.errors.splitlines()[-1]
    assert last == (
        'dim_users: copy failed: character with byte sequence 0xf0 0x9f 0xa6 0x91 in encoding "UTF8" has no '
        'equivalent in encoding "LATIN1" (COPY shop.dim_users, line 1, column city)'
    )
    assert watch.silent()
    assert content(databases) == before
    assert (past(databases)[0].status, past(databases)[0].error) == ("failed", last)
    query(databases.source_admin_url, "UPDATE users SET city = 'Squid' WHERE user_id = 7")
    run_here(databases)
    found = "SELECT count(*) FROM dim_users WHERE city = 'Squid'"
    assert query(databases.warehouse_url, found) == [(1,)]


def test_bytes_that_are_no_text_are_refused(stars, engine, watch):
    """A source without an encoding (SQL_ASCII) may hold any bytes in a text."""
    make_anew(stars.databases.source, "SQL_ASCII")
    stars.source(
        "CREATE TABLE t (id int, name text); GRANT SELECT ON t TO PUBLIC; INSERT INTO t VALUES (1, 'ok')"
    )
    path = stars.write(star(t=fact("SELECT * FROM t", "id name", load="upsert")))
    stars.run(path)
    stars.source("SET client_encoding = 'SQL_ASCII'; INSERT INTO t VALUES (2, E'caf\\351')")
    running = engine(mapping=path)
    assert running.wait() == 1, running.errors
    last = running.errors.splitlines()[-1]
    said = 'facts.t.source.query: copy failed: invalid byte sequence for encoding "UTF8": 0xe9 (in SOURCE '
    assert said in last, last
    assert watch.silent()
    assert stars.warehouse("SELECT * FROM t") == [(1, "ok")]
    assert past(stars.databases)[0].error == last
    stars.source("UPDATE t SET name = 'cafe' WHERE id = 2")
    stars.run(path)
    assert stars.warehouse("SELECT * FROM t ORDER BY id") == [(1, "ok"), (2, "cafe")]

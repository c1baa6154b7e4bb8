"""What the databases would refuse in the middle of a run is refused before, at its place in the mapping."""

from __future__ import annotations

import re

import pytest

from engine.errors import MappingError, RunError
from tests.conftest import query
from tests.integration.stars import Entry, Stars, counts, dimension, fact, star

TABLE = """
CREATE TABLE t (id integer, name text, day date, doc json, spot point, amount numeric);
INSERT INTO t VALUES (1, 'a', '2024-01-01', '{}', '(1,2)', 1), (2, 'b', '2024-01-02', '{}', '(1,3)', 2);
GRANT SELECT ON t TO engine_reader
"""
QUERY = "SELECT * FROM t"
KEY = {"key": "key", "natural_key": "id"}


@pytest.fixture
def shop(stars) -> Stars:
    stars.source(TABLE)
    return stars


def refusal(stars: Stars, mapping: Entry) -> list[str]:
    """Return the problems of a mapping without the folder, and make sure that nothing was made."""
    with pytest.raises(MappingError) as caught:
        stars.plan(mapping)
    return [str(problem).removeprefix(f"{stars.folder}/") for problem in caught.value.problems]


def computed(expression: str) -> Entry:
    return star(f=fact(QUERY, {"id": None, "x": expression}))


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("count(*)", "an aggregate function"),
        ("sum(amount)", "an aggregate function"),
        ("row_number() over (order by id)", "a window function"),
        ("generate_series(1, id)", "a function that returns many rows"),
    ],
)
def test_an_expression_sees_one_row_only(shop, expression, what):
    (problem,) = refusal(shop, computed(f"1 + {expression}"))
    assert problem == (
        f"little.yml:9:14: facts.f.columns.x: {what}, but an expression is computed from one row "
        "by itself (compute it in the query)"
    )


def test_an_expression_may_hold_a_subquery_with_an_aggregate(shop):
    shop.run(computed("(select count(*) from generate_series(1, id))"))
    assert shop.column("SELECT x FROM f ORDER BY id") == [1, 2]


def test_a_lookup_is_an_expression_too(shop):
    lookup = {"dimension": "dim_t", "on": {"id": "max(id)"}, "missing": "fail"}
    mapping = star(
        dim_t=dimension(QUERY, "id name"), f=fact(QUERY, "id", lookups={"t_key": lookup})
    )
    (problem,) = refusal(shop, mapping)
    assert "facts.f.lookups.t_key.on.id: an aggregate function" in problem


@pytest.mark.parametrize(
    ("order", "at", "what"),
    [
        ("day desc, nmae", 25, 'column "nmae" does not exist'),
        ("day descending", 19, 'syntax error at or near "descending"'),
        ("spot", 15, "could not identify an ordering operator for type point"),
        ("sum(amount)", 15, "an aggregate function, but"),
    ],
)
def test_the_order_of_dedupe_is_tried(shop, order, at, what):
    (problem,) = refusal(shop, star(f=fact(QUERY, "id name", dedupe=order)))
    assert what in problem
    assert problem.startswith(f"little.yml:12:{at}: facts.f.source.dedupe: ")


def test_the_order_of_dedupe_may_end_with_a_comment(shop):
    shop.source("INSERT INTO t (id, name, day) VALUES (1, 'newer', '2025-01-01')")
    shop.run(star(f=fact(QUERY, "id name", dedupe="day desc -- the newest")))
    assert shop.column("SELECT name FROM f ORDER BY id") == ["newer", "b"]


def test_a_column_that_is_not_there_has_no_type_that_could_be_wrong(shop):
    measured = {"id": None, "amuont": {"measure": "additive"}}
    (problem,) = refusal(
        shop, star(f=fact(QUERY, measured, checks=[{"freshness": {"amuont": "1d"}}]))
    )
    assert "the query has no column 'amuont' (did you mean 'amount'?)" in problem


@pytest.mark.parametrize("column", ["doc", "spot"])
def test_a_key_needs_an_order(shop, column):
    type_ = {"doc": "json", "spot": "point"}[column]
    said = f"'{column}' is {type_}, which has no order, and a key needs one"
    mapping = star(
        dim_t=dimension(QUERY, f"id {column}", natural_key=["id", column]),
        f=fact(QUERY, f"id {column}", grain=column),
    )
    problems = refusal(shop, mapping)
    assert f"dimensions.dim_t.natural_key.1: {said}" in problems[0]
    assert f"facts.f.grain: {said}" in problems[1]


@pytest.mark.parametrize(
    ("check", "path", "said"),
    [
        ({"unique": ["id", "doc"]}, "unique.1", "'doc' is json, whose values cannot be compared"),
        ({"accepted": {"doc": ["{}"]}}, "accepted.doc", "'doc' is json, whose values cannot"),
        ({"range": {"spot": {"min": "(0,0)"}}}, "range.spot", "'spot' is point, whose values"),
        (
            {"references": {"name": "dim_t"}},
            "references.name",
            "'name' is text, which cannot be compared with dim_t.key, which is bigint",
        ),
        ({"freshness": {"id": "1d"}}, "freshness.id", "'id' is integer, and freshness needs a"),
        ({"freshness": {"name": "1d"}}, "freshness.name", "'name' is text, and freshness needs a"),
    ],
)
def test_a_check_that_cannot_compare(shop, check, path, said):
    mapping = star(
        dim_t=dimension(QUERY, "id name"),
        f=fact(QUERY, "id name doc spot", checks=[check]),
    )
    (problem,) = refusal(shop, mapping)
    assert f"facts.f.checks.0.{path}: {said}" in problem


def test_a_lookup_that_cannot_compare(shop):
    lookup = {"dimension": "dim_t", "on": {"id": "name"}, "missing": "fail"}
    mapping = star(
        dim_t=dimension(QUERY, "id name"), f=fact(QUERY, "id", lookups={"t_key": lookup})
    )
    (problem,) = refusal(shop, mapping)
    assert "text cannot be compared with dim_t.id, which is integer" in problem


def test_all_that_cannot_be_compared_is_said_at_once(shop):
    mapping = star(
        f=fact(
            QUERY,
            {"id": None, "doc": None, "x": "nix"},
            dedupe="nix",
            checks=[{"unique": "doc"}, {"freshness": {"id": "1d"}}],
        )
    )
    assert len(refusal(shop, mapping)) == 4


def test_validate_connect_says_it_and_makes_nothing(shop):
    path = shop.write(star(f=fact(QUERY, "id name", dedupe="nix")))
    done = shop.engine("validate", "--connect", path.name)
    assert done.returncode == 2
    assert 'little.yml:12:15: facts.f.source.dedupe: column "nix" does not exist' in done.stderr
    assert shop.column("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'engine%'") == [0]


def test_a_column_that_is_missing_is_told_with_those_that_there_are(shop):
    there = "(the query has: amount, day, id, name)"
    query = "SELECT id, name, day, amount FROM t"
    lookup = {"dimension": "dim_t", "on": "nix", "missing": "fail"}
    mapping = star(
        dim_t=dimension(query, {"id": None, "city": "upper(city)"}),
        f=fact(query, {"id": None}, lookups={"t_key": lookup}, dedupe="nix"),
    )
    assert [problem.partition(": ")[2] for problem in refusal(shop, mapping)] == [
        f'dimensions.dim_t.columns.city: column "city" does not exist {there}',
        f'facts.f.source.dedupe: column "nix" does not exist {there}',
        f'facts.f.lookups.t_key.on: column "nix" does not exist {there}',
    ]
    (problem,) = refusal(shop, star(f=fact(query, {"id": None, "x": "nmae"})))
    assert problem.endswith('(Perhaps you meant to reference the column "q.name".)')
    wide = ", ".join(f"id AS column_{n}" for n in range(20))
    (problem,) = refusal(shop, star(f=fact(f"SELECT id, {wide} FROM t", {"id": None, "x": "nix"})))
    assert problem.endswith('column "nix" does not exist')


@pytest.mark.parametrize(
    ("word", "text"),
    [("dedupe", "My Day desc"), ("expr", "upper(MyName)"), ("on", "My Day"), ("on", "MyName")],
)
def test_a_name_without_the_quotes_that_it_needs(shop, word, text):
    query = 'SELECT id, name AS "MyName", day AS "My Day" FROM t'
    more = {"dedupe": text} if word == "dedupe" else {}
    columns = {"id": None, "x": {"expr": text}} if word == "expr" else {"id": None}
    lookups = {"t_key": {"dimension": "dim_t", "on": text if word == "on" else "id"}}
    mapping = star(
        dim_t=dimension(QUERY, "id name", special_members={"unknown": {"key": -1}}),
        f=fact(query, columns, lookups=lookups, **more),
    )
    (problem,) = refusal(shop, mapping)
    name = "My Day" if "Day" in text else "MyName"
    assert problem.endswith(f'(the name of the column "{name}" needs its quotes)')


@pytest.mark.parametrize("table", ["nix", "nix.t"])
def test_a_table_that_is_missing_is_told_with_the_database_that_lacks_it(shop, table):
    (problem,) = refusal(shop, star(f=fact(f"SELECT * FROM {table}", "id")))
    source = shop.databases.source
    where = f"in SOURCE {source.user}@{source.host}:{source.port}/{source.database}"
    assert problem.endswith(f'relation "{table}" does not exist ({where})')


def test_a_table_of_the_source_in_what_the_warehouse_computes(shop):
    warehouse = shop.databases.warehouse
    checks = [{"sql": "SELECT id FROM {{ this }} JOIN t USING (id)"}]
    where = f"in WAREHOUSE {warehouse.user}@{warehouse.host}:{warehouse.port}/{warehouse.database}"
    said = f'relation "t" does not exist ({where}: what is in a source can be read by source.query alone)'
    for mapping in (
        star(f=fact(QUERY, {"id": None, "x": "(SELECT max(name) FROM t)"})),
        star(f=fact(QUERY, "id", checks=checks)),
    ):
        (problem,) = refusal(shop, mapping)
        assert problem.endswith(said)


def test_a_key_column_that_gives_no_keys(shop):
    mapping = star(dim_t=dimension(QUERY, "id name"))
    shop.warehouse(
        "CREATE TABLE dim_t (key bigint PRIMARY KEY, id integer UNIQUE, name text);"
        "INSERT INTO dim_t VALUES (7, 1, 'a')"
    )
    (problem,) = refusal(shop, mapping)
    assert "dimensions.dim_t.key: column 'key' of table public.dim_t gives no keys" in problem
    shop.warehouse(problem.partition("run: ")[2].rstrip(")"))
    shop.run(mapping)
    assert shop.column("SELECT key FROM dim_t ORDER BY id") == [7, 8]


def test_a_key_column_with_a_default_gives_keys(shop):
    shop.warehouse("CREATE TABLE dim_t (key bigserial PRIMARY KEY, id integer UNIQUE, name text)")
    shop.run(star(dim_t=dimension(QUERY, "id name")))
    assert shop.column("SELECT key FROM dim_t ORDER BY id") == [1, 2]


KEYS = {
    "serial": "key bigserial",
    "identity": "key bigint GENERATED ALWAYS AS IDENTITY",
    "default": "key bigint DEFAULT nextval('\"The Numbers\"')",
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("inferred", [False, True])
def test_a_sequence_that_is_behind_the_keys_is_said_with_what_mends_it(shop, kind, inferred):
    if kind == "default":
        shop.warehouse('CREATE SEQUENCE "The Numbers"')
    shop.warehouse(
        f"CREATE TABLE dim_t ({KEYS[kind]} PRIMARY KEY, id integer UNIQUE, name text);"
        "INSERT INTO dim_t OVERRIDING SYSTEM VALUE SELECT n, n + 6, '' FROM generate_series(1, 1500) AS n"
    )
    members = "SELECT * FROM t WHERE id > 2" if inferred else QUERY
    lookup = {"dimension": "dim_t", "on": "id", "missing": "infer"}
    mapping = star(
        dim_t=dimension(members, "id name", special_members={"unknown": {"key": -1}}),
        f=fact(QUERY, "id", lookups={"t_key": lookup}),
    )
    with pytest.raises(RunError) as caught:
        shop.run(mapping)
    assert (
        "little.yml:5:10: dimensions.dim_t.key: the sequence of public.dim_t.key has come to 1, "
        in (str(caught.value))
    )
    assert "and rows have keys up to 1,500 already: run: SELECT setval(" in str(caught.value)
    shop.warehouse(str(caught.value).partition("run: ")[2])
    shop.run(mapping)
    assert shop.column("SELECT key FROM dim_t WHERE id < 3 ORDER BY 1") == [1501, 1502]


def test_only_the_sources_of_what_is_selected_are_needed(shop):
    mapping = star(
        dim_t=dimension(QUERY, "id name", checks=[{"sql": "SELECT 1 FROM {{ this }} LIMIT 0"}]),
        other=fact("SELECT nix", "id", connection="crm"),
    )
    mapping["connections"] = {"crm": {"env": "CRM"}, "source": {"env": "SOURCE"}}
    mapping["connections"] |= {"warehouse": {"env": "WAREHOUSE"}}
    path = shop.write(mapping)
    assert "CRM_URL is missing" in shop.engine("run", path).stderr
    for command in ("plan", "run"):
        done = shop.engine(command, path, "--select", "dim_*")
        assert (done.returncode, done.stderr.count("CRM")) == (0, 0), done.stderr
    assert shop.column("SELECT count(*) FROM dim_t") == [2]


def test_a_check_may_name_a_table_that_is_not_selected(shop):
    mapping = star(
        dim_t=dimension(QUERY, "id name", checks=[{"sql": "SELECT 1 FROM dim_t, f LIMIT 0"}]),
        f=fact(QUERY, "id name"),
    )
    mapping["connections"] = {"source": {"env": "SOURCE"}}
    mapping["connections"] |= {"warehouse": {"env": "WAREHOUSE", "schema": "mart"}}
    shop.run(mapping)
    assert shop.run(mapping, "dim_t").status == "done"


def test_a_source_that_hides_its_transactions_is_told_of_where_it_is_read(shop):
    shop.source("REVOKE pg_read_all_stats FROM engine_reader")
    mapping = star(f=fact(QUERY, "id", cursor="id"), dim_t=dimension(QUERY, "id", cursor="id"))
    try:
        report = shop.run(mapping, "dim_t")
    finally:
        shop.source("GRANT pg_read_all_stats TO engine_reader")
    assert [n.entry for n in report.notices if "cannot be seen" in n.text] == ["dim_t"]


@pytest.mark.parametrize("command", ["plan", "run", "history"])
def test_a_ledger_of_which_a_table_is_gone(shop, command):
    mapping = star(f=fact(QUERY, "id", cursor="id"))
    path = shop.write(mapping)
    shop.run(mapping)
    shop.warehouse("DROP TABLE engine.watermark")
    done = shop.engine(command, *([] if command == "history" else [path]))
    assert done.returncode == 1
    assert "ledger is incomplete: engine.watermark is gone" in done.stderr
    assert "Traceback" not in done.stderr
    shop.warehouse("DROP SCHEMA engine CASCADE")
    assert counts(shop.run(mapping), "f") == {"read": 2, "unchanged": 2}


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("DELETE FROM engine.version", "engine.version has 0 rows"),
        ("DROP TABLE engine.version", "engine.version is gone"),
        ("INSERT INTO engine.version VALUES (1)", "engine.version has 2 rows"),
    ],
)
def test_a_ledger_whose_version_is_not_known(shop, broken, what):
    shop.run(star(f=fact(QUERY, "id")))
    shop.warehouse(broken)
    for command in ("run", "history"):
        done = shop.engine(command, *([] if command == "history" else ["little.yml"]))
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert f"ledger is incomplete: {what}; restore it" in done.stderr


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT id, 1 / (id - 1) AS x FROM t", "copy failed: division by zero"),
        (
            "SELECT setval('numbers', id) AS id FROM t",
            "read-only transaction. a source is only read;",
        ),
    ],
)
def test_a_query_that_fails_while_it_is_read_is_said_with_its_place_and_database(shop, query, what):
    shop.source("CREATE SEQUENCE numbers; GRANT ALL ON numbers TO engine_reader")
    with pytest.raises(RunError) as caught:
        shop.run(star(f=fact(query, "id")))
    said, source = str(caught.value), shop.databases.source
    assert "little.yml:10:14: facts.f.source.query: copy failed: " in said
    assert what in said
    where = f"SOURCE {source.user}@{source.host}:{source.port}/{source.database}"
    assert said.endswith(f" (in {where})")


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_the_warehouse_refuses_is_said_with_which_one_it_is(shop, command):
    warehouse = shop.databases.warehouse
    shop.warehouse("CREATE TABLE f (id integer)")
    query(shop.databases.warehouse_admin_url, "ALTER TABLE f OWNER TO postgres")
    done = shop.engine(command, shop.write(star(f=fact(QUERY, "id"))))
    assert done.returncode == 1
    where = f"WAREHOUSE {warehouse.user}@{warehouse.host}:{warehouse.port}/{warehouse.database}"
    assert f"{where}: permission denied for table f" in done.stderr


def test_a_warehouse_that_cannot_be_written(shop):
    url = f"{shop.databases.warehouse_url}?options=-c%20default_transaction_read_only=on"
    with pytest.raises(
        RunError, match=r"CREATE SCHEMA in a read-only transaction\. a source is only"
    ):
        shop.run(star(f=fact(QUERY, "id")), environment={"WAREHOUSE_URL": url})


def test_a_view_that_keeps_a_column_from_being_widened(shop):
    mapping = star(f=fact("SELECT 1::smallint AS id", "id"))
    shop.run(mapping)
    shop.warehouse("CREATE VIEW public.ids AS SELECT id FROM f")
    mapping["facts"]["f"]["source"]["query"] = "SELECT 1::bigint AS id"
    with pytest.raises(RunError, match=r"ids depends on column \"id\"; drop it, and make it again"):
        shop.run(mapping)


def test_a_second_role_is_told_what_it_needs(shop):
    name = shop.databases.warehouse.database
    role = f"second_{name}"
    mapping = star(dim_t=dimension(QUERY, "id name"), f=fact(QUERY, "id", cursor="id"))
    path = shop.write(mapping)
    shop.run(mapping)
    admin = shop.databases.warehouse_admin_url
    query(admin, f"CREATE ROLE {role} LOGIN PASSWORD 'second'")
    try:
        url = re.sub("//.*@", f"//{role}:second@", shop.databases.warehouse_url)
        for command in ("plan", "run", "history"):
            arguments = [] if command == "history" else [path]
            done = shop.engine(command, *arguments, environment={"WAREHOUSE_URL": url})
            assert done.returncode == 1
            assert "permission denied" in done.stderr
            assert "GRANT that other role to it" in done.stderr
        query(admin, f"GRANT engine TO {role}")
        assert shop.run(mapping, environment={"WAREHOUSE_URL": url}).status == "done"
    finally:
        query(admin, f"REVOKE engine FROM {role}; DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize(
    ("made", "what"),
    [
        ("VIEW {} AS SELECT 1::bigint AS key, 1 AS id, '' AS name", "a view"),
        (
            "MATERIALIZED VIEW {} AS SELECT 1::bigint AS key, 1 AS id, '' AS name",
            "a materialized view",
        ),
        ("SEQUENCE {}", "a sequence"),
        ("INDEX {} ON other (id)", "an index"),
        ("TYPE {} AS (id integer)", "a type"),
        ("TYPE {} AS ENUM ('a')", "a type"),
    ],
)
def test_what_stands_where_a_table_should_be_is_said_before_anything_is_loaded(shop, made, what):
    mapping = star(dim_t=dimension(QUERY, "id name"), f=fact(QUERY, "id name"))
    shop.warehouse("CREATE TABLE other (id integer)")
    for name in ("dim_t", "f"):
        shop.warehouse(f"CREATE {made.format(name)}")
    assert [problem.partition(": ")[2] for problem in refusal(shop, mapping)] == [
        f"{path}: public.{path.split('.')[1]} is {what}, not a table "
        "(drop it or rename it, or give the entry another name)"
        for path in ("dimensions.dim_t", "facts.f")
    ]
    with pytest.raises(MappingError, match=f"public.f is {what}, not a table"):
        shop.run(mapping)


def test_a_foreign_table_and_the_table_of_a_hierarchy(shop):
    query(
        shop.databases.warehouse_admin_url,
        "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER afar FOREIGN DATA WRAPPER nothing;"
        "CREATE FOREIGN TABLE dim_t (key bigint, id integer) SERVER afar",
    )
    shop.warehouse("CREATE VIEW above AS SELECT 1 AS ancestor_key")
    above = {"parent": "name", "table": "above"}
    members = "SELECT id, id AS name FROM t"
    problems = refusal(shop, star(dim_t=dimension(members, "id name", hierarchy=above)))
    assert "public.dim_t is a foreign table, not a table" in problems[0]
    assert "dimensions.dim_t.hierarchy.table: public.above is a view, not a table" in problems[1]
    assert "give the table of the hierarchy another name" in problems[1]

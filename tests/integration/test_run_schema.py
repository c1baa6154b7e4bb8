"""The tables of the star: made, widened, described, refused; and a plan that tells all and writes nothing."""

from __future__ import annotations

import re

import pytest

from engine.database.embedded import Server
from engine.errors import MappingError, RunError
from tests.conftest import ROOT, Row
from tests.integration.stars import (
    STAR,
    UNKNOWN,
    Entry,
    Stars,
    counts,
    dimension,
    fact,
    notices,
    star,
    untouched,
)

SCHEMA = ROOT / "init/warehouse/01-schema.sql"
CATALOG = """
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity::text, col_description(c.oid, a.attnum), obj_description(c.oid)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0 AND NOT attisdropped
ORDER BY 1, a.attnum
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
EVERYTHING = """
SELECT 'c' || oid || relname || coalesce(relacl::text, '') FROM pg_class
UNION ALL SELECT 'n' || oid || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
UNION ALL SELECT 'a' || attrelid || attname || attnum || atttypid FROM pg_attribute
UNION ALL SELECT 'p' || oid || proname FROM pg_proc
UNION ALL SELECT 'd' || objoid || objsubid || description FROM pg_description
UNION ALL SELECT 'x' || indexrelid || indisunique FROM pg_index
ORDER BY 1
"""


def made(stars: Stars) -> tuple[list[Row], list[Row]]:
    """Return all columns and all indexes of the star."""
    return stars.warehouse(CATALOG), stars.warehouse(INDEXES)


# --- the file that creates the star


def test_the_schema_file_is_what_ddl_prints(stars):
    done = stars.engine("ddl", "mappings/star.yml", folder=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == SCHEMA.read_text(encoding="utf-8")


def test_a_run_makes_the_tables_that_the_schema_file_makes(stars):
    stars.run(STAR)
    by_run = made(stars)
    stars.warehouse("DROP TABLE dim_date, dim_users, dim_products, fact_orders")
    stars.warehouse(SCHEMA.read_text(encoding="utf-8"))
    assert made(stars) == by_run
    assert len(by_run[0]) == 53
    assert len(by_run[1]) == 7


def test_on_the_schema_file_nothing_is_left_to_change(stars):
    stars.warehouse(SCHEMA.read_text(encoding="utf-8"))
    before = made(stars)
    done = stars.engine("plan", STAR)
    assert done.stdout.split("\n")[0] == "schema changes: none"
    assert stars.plan(STAR).schema == ()
    stars.run(STAR)
    assert made(stars) == before
    assert stars.column("SELECT count(*) > 500 FROM fact_orders") == [True]


def test_the_schema_file_runs_twice(stars):
    text = SCHEMA.read_text(encoding="utf-8")
    stars.warehouse(text)
    stars.warehouse(re.sub(r"(?m)^alter table .* add primary key .*$", "", text))


# --- changes

QUERY = (
    "SELECT 1 AS id, 'one'::varchar(10) AS name, 5::smallint AS amount, 1.25::numeric(6,2) AS price"
)


def little(
    columns: Entry | str = "id name amount price", query: str = QUERY, **more: object
) -> Entry:
    return star(
        dim_d=dimension(query, columns, load="upsert", special_members=UNKNOWN),
        f=fact(query, columns, load="upsert", **more),
    )


@pytest.fixture
def loaded(stars) -> Stars:
    stars.run(little())
    return stars


def types(stars: Stars, table: str) -> dict[str, str]:
    return {row[1]: row[2] for row in stars.warehouse(CATALOG) if row[0] == table}


def test_a_new_column_is_added_and_filled(loaded):
    wider = little({**dict.fromkeys(["id", "name", "amount", "price"]), "double": "amount * 2"})
    titles = [(step.entry, step.title) for step in loaded.plan(wider).schema]
    assert titles == [("dim_d", "add column"), ("f", "add column")]
    report = loaded.run(wider)
    assert [counts(report, name)["updated"] for name in ("dim_d", "f")] == [1, 1]
    for table in ("dim_d", "f"):
        assert types(loaded, table)["double"] == "integer"
        assert loaded.column(f"SELECT double FROM {table} WHERE id = 1") == [10]
    assert loaded.plan(wider).schema == ()


def test_a_new_lookup_is_added_and_filled(loaded):
    wider = little(lookups={"k": {"dimension": "dim_d", "on": "id"}})
    report = loaded.run(wider)
    assert counts(report, "f")["updated"] == 1
    assert loaded.column("SELECT k FROM f") == [1]


def test_a_column_that_left_the_mapping_is_kept_and_told(loaded):
    narrower = little("id name amount")
    report = loaded.run(narrower)
    assert "f: column 'price' is no longer in the mapping: it is kept and not filled" in notices(
        report
    )
    assert 'ALTER TABLE public.f DROP COLUMN "price";' in notices(report)
    assert loaded.column("SELECT price::text FROM f") == ["1.25"]


def test_an_entry_that_left_the_mapping_is_kept_and_told_until_its_table_is_dropped(loaded):
    without = {**little(), "facts": {}, "dimensions": {"dim_e": dimension("SELECT 1 AS id", "id")}}
    before = loaded.warehouse("TABLE f"), loaded.warehouse("TABLE dim_d")
    for _ in range(2):
        told = notices(loaded.run(without))
        for name in ("dim_d", "f"):
            assert f"{name}: is no longer in the mapping: its table is kept and not filled" in told
        assert "drop it: DROP TABLE public.f;" in told
    assert (loaded.warehouse("TABLE f"), loaded.warehouse("TABLE dim_d")) == before
    loaded.warehouse("DROP TABLE f; CREATE VIEW f AS SELECT 1 AS id")
    told = notices(loaded.run(without, "dim_e"))
    assert "dim_d: is no longer" in told
    assert "f: is no longer" not in told
    loaded.warehouse("DROP VIEW f")
    assert "dim_d: is no longer" not in notices(loaded.run(little()))


def test_an_entry_that_another_mapping_loads_now_is_not_told(loaded):
    moved = {**little(), "name": "other"}
    loaded.run(moved)
    rest = star(dim_e=dimension("SELECT 1 AS id", "id"))
    assert "no longer" not in notices(loaded.run(rest))
    loaded.run(little())
    assert "f: is no longer" in notices(loaded.run(rest))


def test_an_entry_that_returns_is_read_as_a_whole(stars):
    stars.source(
        "CREATE TABLE people (id int, city text, at timestamp);"
        "CREATE TABLE sales (id int, person int, at timestamp);"
        "GRANT SELECT ON people, sales TO PUBLIC;"
        "INSERT INTO people VALUES (1, 'Rome', '2026-01-01'), (1, 'Kiel', '2026-01-04');"
        "INSERT INTO sales VALUES (1, 1, '2026-01-03'), (2, 1, '2026-01-05')"
    )
    people = dimension(
        "SELECT * FROM people",
        {"id": None, "city": {"scd": 2}},
        history={"effective": "at"},
        special_members=UNKNOWN,
    )
    lookup = {"dimension": "dim_p", "on": {"id": "person"}, "as_of": "at"}
    sales = fact("SELECT * FROM sales", "id at", cursor="id", lookups={"person_key": lookup})
    stars.run(star(dim_p=people, f=sales))
    stars.source("INSERT INTO people VALUES (1, 'Bonn', '2026-01-02')")  # late, while f is away
    stars.run(star(dim_p=people))
    stars.run(star(dim_p=people))
    told = notices(stars.run(star(dim_p=people, f=sales)))
    assert "f: it was not in the mapping meanwhile: everything is read" in told
    cities = "SELECT city FROM f JOIN dim_p ON key = person_key ORDER BY f.id"
    assert stars.column(cities) == ["Bonn", "Kiel"]
    assert "meanwhile" not in notices(stars.run(star(dim_p=people, f=sales)))


@pytest.mark.parametrize(
    ("column", "expression", "type_"),
    [
        ("name", "'a longer name than before'", "character varying(50)"),
        ("name", "'a longer name than before'", "text"),
        ("amount", "70000", "integer"),
        ("amount", "5000000000", "bigint"),
        ("amount", "5000000000", "numeric"),
        ("price", "12345.123", "numeric(9,3)"),
        ("price", "'NaN'::numeric", "numeric"),
    ],
)
def test_a_column_becomes_wider_and_keeps_what_it_has(loaded, column, expression, type_):
    columns = {**dict.fromkeys(["id", "name", "amount", "price"])}
    columns[column] = {
        "expr": f"CASE WHEN id = 1 THEN {column} ELSE {expression} END",
        "type": type_,
    }
    mapping = little(columns, f"{QUERY} UNION ALL SELECT 2, 'two', 7, 8")
    titles = {step.title for step in loaded.plan(mapping).schema}
    assert titles == {"widen column"}
    before = loaded.column(f"SELECT {column}::text FROM f")
    loaded.run(mapping)
    for table in ("dim_d", "f"):
        assert types(loaded, table)[column] == type_
        found = loaded.column(f"SELECT {column}::text FROM {table} WHERE id > 0 ORDER BY id")
        assert float(found[0]) == float(before[0]) if column == "price" else found[0] == before[0]
        wanted = loaded.column(f"SELECT ({expression})::{type_}::text")
        assert found[1:] == wanted
    assert loaded.plan(mapping).schema == ()


@pytest.mark.parametrize(
    ("column", "expression", "type_", "present"),
    [
        ("name", "7", "integer", "character varying(10)"),
        ("amount", "'x'", "text", "smallint"),
        ("price", "current_date", "date", "numeric(6,2)"),
    ],
)
def test_a_change_that_could_lose_data_is_refused_with_its_statement(
    loaded, column, expression, type_, present
):
    columns = {
        **dict.fromkeys(["id", "name", "amount", "price"]),
        column: {"expr": expression, "type": type_},
    }
    before = untouched(loaded)
    for attempt in (loaded.plan, loaded.run):
        with pytest.raises(MappingError) as error:
            attempt(little(columns))
        said = str(error.value)
        assert (
            f"facts.f.columns.{column}: column '{column}' of table public.f is {present}, the mapping wants "
            f"{type_}, and a change could lose data"
        ) in said
        statement = re.findall(r"run: (ALTER TABLE .*?;)", said)[-1]
        assert statement == (
            f'ALTER TABLE public.f ALTER COLUMN "{column}" TYPE {type_} USING "{column}"::{type_};'
        )
        assert len(error.value.problems) == 2  # the dimension's as well
    assert untouched(loaded) == before


def test_a_narrower_type_keeps_the_wider_column(loaded):
    """Nothing is lost by a column that could hold more than the mapping asks for."""
    mapping = little(query=QUERY.replace("varchar(10)", "varchar(5)").replace("(6,2)", "(5,2)"))
    report = loaded.run(mapping)
    assert counts(report, "f")["unchanged"] == 1
    assert types(loaded, "f")["name"] == "character varying(10)"


def test_another_key_or_grain_is_refused_with_its_statement(loaded):
    mapping = little(grain=["id", "name"])
    with pytest.raises(MappingError) as error:
        loaded.run(mapping)
    assert (
        "facts.f.grain: the primary key of table public.f is (id), not (id, name) (run: ALTER TABLE public.f "
        'DROP CONSTRAINT f_pkey, ADD PRIMARY KEY ("id", "name");)'
    ) in str(error.value)
    loaded.warehouse('ALTER TABLE public.f DROP CONSTRAINT f_pkey, ADD PRIMARY KEY ("id", "name")')
    loaded.run(mapping)
    mapping = little()
    mapping["dimensions"]["dim_d"]["key"] = "other_key"
    with pytest.raises(MappingError) as error:
        loaded.run(mapping, "dim_d")
    statement = 'ALTER TABLE public.dim_d RENAME COLUMN "key" TO "other_key"'
    (problem,) = error.value.problems
    assert str(problem).endswith(
        "table public.dim_d has no column 'other_key', and its rows cannot get new keys "
        f"(rename the present one: {statement};)"
    )
    loaded.warehouse(statement)
    assert counts(loaded.run(mapping, "dim_d"), "dim_d")["unchanged"] == 1


def test_a_column_that_leaves_the_grain_may_be_null_by_the_statement_that_is_printed(stars):
    stars.source(
        "CREATE TABLE bills (bill int, line int, sold date); INSERT INTO bills VALUES (1, 1, '2026-01-01')"
    )
    mapping = star(f=fact("SELECT * FROM bills", "bill line sold", grain=["sold", "bill", "line"]))
    stars.run(mapping)
    mapping["facts"]["f"]["grain"] = ["bill", "line"]
    with pytest.raises(MappingError) as error:
        stars.run(mapping)
    statement = re.findall(r"run: (ALTER TABLE .*?;)", str(error.value))[0]
    assert statement == (
        'ALTER TABLE public.f DROP CONSTRAINT f_pkey, ADD PRIMARY KEY ("bill", "line"), '
        'ALTER COLUMN "sold" DROP NOT NULL;'
    )
    stars.warehouse(statement)
    stars.source("INSERT INTO bills VALUES (2, 1, NULL)")
    assert counts(stars.run(mapping), "f") == {"read": 2, "inserted": 1, "unchanged": 1}


def test_descriptions_follow_the_mapping(loaded):
    columns = {
        **dict.fromkeys(["id", "name", "amount", "price"]),
        "name": {"description": "It's a name"},
    }
    mapping = little(columns, description="One row for \\ each")
    loaded.run(mapping)
    about = "SELECT obj_description('f'::regclass), col_description('f'::regclass, 2)"
    assert loaded.warehouse(about) == [("One row for \\ each", "It's a name")]
    assert [s for s in loaded.plan(mapping).load if s.title.startswith("describe")] == []
    columns["name"] = {"description": "Another name"}
    loaded.run(mapping)
    assert loaded.warehouse(about) == [("One row for \\ each", "Another name")]


def test_a_table_of_somebody_else_is_filled_when_it_fits(stars):
    stars.warehouse(
        "CREATE TABLE f (price numeric(6,2), name text, id int, amount smallint, theirs int)"
    )
    mapping = star(f=fact(QUERY, "id name amount price"))
    report = stars.run(mapping)
    assert "column 'theirs' is no longer in the mapping" in notices(report)
    assert stars.warehouse("SELECT * FROM f") == [
        (stars.column("SELECT 1.25")[0], "one", 1, 5, None)
    ]
    assert stars.column(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'f'::regclass AND indisprimary"
    ) == [1]


def test_the_star_may_live_in_any_schema(stars):
    mapping = {
        **little(lookups={"k": {"dimension": "dim_d", "on": "id"}}),
        "connections": {"warehouse": {"env": "WAREHOUSE", "schema": 'My "Mart"'}},
    }
    stars.run(mapping)
    stars.run(mapping)
    assert stars.column('SELECT k FROM "My ""Mart""".f') == [1]
    assert stars.plan(mapping).schema == ()


# --- the plan


def test_a_plan_writes_nothing_into_an_empty_warehouse(stars):
    before = stars.warehouse(EVERYTHING)
    for arguments in (
        ("plan", STAR),
        ("plan", STAR, "--sql"),
        ("ddl", STAR),
        ("validate", STAR, "--connect"),
    ):
        done = stars.engine(*arguments)
        assert done.returncode == 0, done.stderr
    assert stars.warehouse(EVERYTHING) == before
    assert stars.column("SELECT to_regnamespace('engine') IS NULL") == [True]


def test_a_plan_writes_nothing_into_a_loaded_warehouse(stars):
    stars.run(STAR)
    stars.source(
        "INSERT INTO orders (user_id, product_id, quantity, order_date, total) VALUES (1, 1, 1, now(), 1)"
    )
    schemas = ("public", "engine", "engine_stage")
    before = stars.warehouse(EVERYTHING), *(untouched(stars, schema) for schema in schemas)
    stars.engine("plan", STAR, "--sql", "--full-refresh")
    stars.plan(STAR)
    assert (
        stars.warehouse(EVERYTHING),
        *(untouched(stars, schema) for schema in schemas),
    ) == before


def test_a_plan_needs_no_right_to_write(stars):
    server = stars.databases.warehouse
    stars.run(STAR)
    stars.execute_outside(
        stars.databases.warehouse_admin_url,
        f"ALTER DATABASE {server.database} SET default_transaction_read_only = on",
    )
    assert stars.engine("plan", STAR).returncode == 0


# What surrounds the steps on the star and its stages: looks before, the pipe's end, cleaning up.
AROUND = re.compile(
    r'select 0 as n, not exists \(select from "public"|copy "engine_stage"\.\S+ \(.*\) from stdin '
    r'|drop table if exists "engine_stage"\.|select null::|select .* limit 0$|with '
    r"|select count\(\*\) \|\| ':'"
    r"|select coalesce\(\(select concat_ws|select case when exists \( select from .* as t where t\.\S+ = -"
)
CLOCK = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00'::timestamp with time zone(?= ?\))")


@pytest.mark.parametrize("first", [True, False])
def test_the_sql_that_is_planned_is_the_sql_that_is_run(stars, first):
    if not first:
        stars.run(STAR)
        stars.source("UPDATE users SET city = 'Ghent' WHERE user_id < 4")
    planned = statements_of(stars.engine("plan", STAR, "--sql").stdout)
    asked = {s for s in planned if s.startswith(("copy (", "select count(*) from ( SELECT"))}
    # Rows without a key are looked for, and rows go to quarantine, only when there are some.
    spared = ("insert into engine.reject ", 'update "engine_stage".')
    said = {sql for sql in planned - asked if not sql.startswith(spared)}
    assert len(said) > 20
    assert len(asked) == 4
    own = stars.databases
    with (
        Logged(stars, own.warehouse, own.warehouse_admin_url) as log,
        Logged(stars, own.source, own.source_admin_url) as source_log,
    ):
        stars.run(STAR)
    # Nor is what differs or is new, where every row is known to be there: only users have changed.
    known = () if first else ('insert into "public".', 'update "public".')
    missed = {sql for sql in said - log.statements if not sql.startswith(known)}
    assert missed == set()
    assert any(sql.startswith('update "public"."dim_users"') for sql in log.statements) != first
    assert asked - source_log.statements == set()
    # And nothing else is run on the star or its stages.
    touching = {sql for sql in log.statements if re.search(r'"(public|engine_stage)"\.', sql)}
    assert {sql for sql in touching - said if not AROUND.match(sql)} == set()


def normal(sql: str) -> str:
    """Return a statement on one line, without the moment at which the clock of the source was read."""
    return CLOCK.sub("<now>", " ".join(sql.split()).rstrip("; "))


def statements_of(planned: str) -> set[str]:
    """Return the statements in the output of `plan --sql`: each ends a line with a semicolon."""
    body, found = [], set()
    for line in planned.split("\n"):
        if line.startswith("      "):
            body.append(line)
        if body and line.endswith(";"):
            found.add(normal(" ".join(body)))
            body = []
    return found


class Logged:
    """All statements of a database while it lasts, read from the server's log."""

    def __init__(self, stars: Stars, server: Server, admin: str) -> None:
        self.stars, self.admin = stars, admin
        self.database = server.database
        self.log = server.folder / "server.log"
        self.statements: set[str] = set()

    def __enter__(self) -> Logged:
        alter = f"ALTER DATABASE {self.database} SET log_statement = 'all'"
        self.stars.execute_outside(self.admin, alter)
        self.start = self.log.stat().st_size
        return self

    def __exit__(self, *_: object) -> None:
        with self.log.open("rb") as file:
            file.seek(self.start)
            text = file.read().decode("utf-8", "replace")
        entries = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text)
        found = (re.search(r"(?s)LOG:  statement: (.*)", entry) for entry in entries)
        self.statements = {normal(statement[1]) for statement in found if statement}
        self.stars.execute_outside(
            self.admin, f"ALTER DATABASE {self.database} RESET log_statement"
        )


@pytest.mark.parametrize("name", ["f" * 60, "The Fact"])
def test_the_statement_that_is_printed_has_the_names_as_they_are(stars, name):
    mapping = star(**{name: fact("SELECT 1 AS id, 2 AS line", "id line")})
    stars.run(mapping)
    mapping["facts"][name]["grain"] = ["id", "line"]
    with pytest.raises(MappingError) as error:
        stars.run(mapping)
    stars.warehouse(re.findall(r"run: (ALTER TABLE .*?;)", str(error.value))[0])
    assert counts(stars.run(mapping), name) == {"read": 1, "unchanged": 1}


def users(**more: object) -> Entry:
    """Two dimensions whose indexes over their natural keys would have one name."""
    query = "SELECT 1 AS id, 1 AS user_id, 'a' AS name"
    mapping = star(dim_user=dimension(query, "id name", **more))
    mapping["dimensions"]["dim"] = dimension(query, "user_id name", **more)
    return mapping


COUNTED = """
SELECT tablename, count(*) FROM pg_indexes WHERE tablename LIKE 'dim%' AND schemaname = 'public'
GROUP BY tablename ORDER BY tablename
"""


@pytest.mark.parametrize("versions", [False, True])
def test_indexes_of_two_dimensions_do_not_want_one_name(stars, versions):
    columns = {"name": {"scd": 2}} if versions else {}
    mapping = users(**({"durable_key": "member"} if versions else {}))
    for entry in mapping["dimensions"].values():
        entry["columns"] |= columns
    stars.run(mapping)
    each = 4 if versions else 2
    assert stars.warehouse(COUNTED) == [("dim", each), ("dim_user", each)]
    before = untouched(stars)
    assert not [step.title for step in stars.plan(mapping).load if "index" in step.title]
    mapping["dimensions"] = dict(reversed(mapping["dimensions"].items()))
    stars.run(mapping)
    assert untouched(stars) == before
    assert stars.warehouse(COUNTED) == [("dim", each), ("dim_user", each)]


def test_an_index_gets_another_name_where_its_own_is_taken(stars):
    mapping = users()
    last = mapping["dimensions"].pop("dim")
    stars.run(mapping)
    # A name that another mapping's dimension has, and one that was made by hand.
    stars.warehouse(
        "CREATE TABLE dim (key bigint GENERATED ALWAYS AS IDENTITY, user_id int, name text)"
    )
    stars.run(star("other", dim_x=last) | {"dimensions": {"dim": last}})
    assert stars.warehouse(COUNTED) == [("dim", 2), ("dim_user", 2)]
    stars.warehouse("DROP INDEX dim_user_id_key; CREATE INDEX dim_user_id_key ON dim_user (name)")
    stars.run(mapping)
    assert stars.warehouse(COUNTED) == [("dim", 2), ("dim_user", 3)]
    assert "is not there" not in notices(stars.run(mapping))


def test_an_index_that_has_its_name_keeps_it(stars):
    mapping = users()
    stars.warehouse(
        "CREATE TABLE dim (key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, name text);"
        "CREATE UNIQUE INDEX dim_user_id_key ON dim (user_id)"
    )
    stars.run(mapping)
    assert stars.warehouse(COUNTED) == [("dim", 2), ("dim_user", 2)]
    table = "SELECT tablename FROM pg_indexes WHERE indexname = 'dim_user_id_key'"
    assert stars.column(table) == ["dim"]


def test_a_natural_key_with_a_new_column_is_refused_while_there_are_members(stars):
    query = "SELECT 1 AS id, 'DE' AS country, 'a' AS name"
    mapping = star(dim_t=dimension(query, "id name"))
    stars.run(mapping)
    mapping["dimensions"]["dim_t"] |= {
        "natural_key": ["country", "id"],
        "columns": {"country": None, "id": None, "name": None},
    }
    with pytest.raises(MappingError) as error:
        stars.run(mapping)
    assert (
        "dimensions.dim_t.natural_key: table public.dim_t has no column 'country', without which no member "
        "is known again: all would get other keys (run: ALTER TABLE public.dim_t ADD COLUMN "
    ) in str(error.value)
    stars.warehouse(
        "ALTER TABLE public.dim_t ADD COLUMN country text; UPDATE public.dim_t SET country = 'DE'"
    )
    assert counts(stars.run(mapping), "dim_t") == {"read": 1, "unchanged": 1}
    # What was the key before refuses what the mapping allows now.
    mapping["dimensions"]["dim_t"]["source"]["query"] += " UNION ALL SELECT 1, 'FR', 'b'"
    with pytest.raises(RunError) as failure:
        stars.run(mapping)
    assert (
        "dimensions.dim_t: insert new failed: duplicate key value violates unique constraint "
        '"dim_t_id_key". Key (id)=(1) already exists; it is no key of the mapping: if it is one that the '
        "mapping had before, run: DROP INDEX public.dim_t_id_key;"
    ) in str(failure.value)
    stars.warehouse("DROP INDEX public.dim_t_id_key")
    assert counts(stars.run(mapping), "dim_t") == {"read": 2, "unchanged": 1, "inserted": 1}

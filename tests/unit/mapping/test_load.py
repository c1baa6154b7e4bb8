"""The door: short forms equal long ones, vars, files that include files, and how long it all takes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import MappingError
from engine.mapping.load import load

ROOT = Path(__file__).parents[3]
VALID = ROOT / "tests" / "mappings" / "valid"


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def one_dimension(text, folder, **overrides):
    head = "version: 1\nname: star\nvars: {n: 1, s: a}\ndimensions:\n  d:\n"
    body = "".join(f"    {line}\n" for line in text.splitlines())
    return load(write(folder, {"m.yml": head + body}), overrides).star.dimensions[0]


BASE = "source: SELECT a, b FROM t\nkey: k\nnatural_key: a\ncolumns: {a: , b: }\n"


def without_paths(value):
    if isinstance(value, tuple):
        return tuple(without_paths(each) for each in value)
    if hasattr(value, "__dataclass_fields__"):
        fields = {name: without_paths(getattr(value, name)) for name in value.__dataclass_fields__}
        return replace(value, **{**fields, **({"path": ""} if "path" in fields else {})})
    return value


def test_a_whole_star_in_short_and_in_long_forms():
    short, long = load(VALID / "short_forms.yml").star, load(VALID / "long_forms.yml").star
    assert without_paths(short) == without_paths(long)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("source: SELECT 1", "source: {query: SELECT 1}"),
        ("source: SELECT 1", "source: {query: SELECT 1, connection: source, allow_empty: false}"),
        ("source: SELECT 1;", "source: |\n  SELECT 1\n  ;\n"),
        ("source: {query: SELECT 1, cursor: u}", "source: {query: SELECT 1, cursor: {column: u}}"),
        (
            "source: {query: SELECT 1, cursor: u}",
            "source: {query: SELECT 1, cursor: {column: u, null: always}}",
        ),
        ("natural_key: a", "natural_key: [a]"),
        ("load: upsert", ""),
        ("columns: {a: , b: }", "columns: {a: {}, b: null}"),
        ("columns: {a: x, b: }", "columns: {a: {expr: x}, b: {}}"),
        ("checks: {not_null: a}", "checks: [{not_null: a}]"),
        ("checks: {not_null: a}", "checks: [{not_null: [a], severity: error, max: 0}]"),
        ("checks: {unique: a}", "checks: [{unique: [a]}]"),
        ("checks: {max: 5%, not_null: a}", "checks: {max: 5.0%, not_null: a}"),
        (
            "checks: {range: {a: {min: 1}, b: {max: 2}}}",
            "checks: [range: {a: {min: 1}}, range: {b: {max: 2}}]",
        ),
        (
            "checks: {accepted: {a: [1], b: [2]}}",
            "checks: [accepted: {a: [1]}, accepted: {b: [2]}]",
        ),
        ("checks: {accepted: {a: x}}", "checks: [accepted: {a: [x]}]"),
        (
            "checks: {freshness: {a: 1d, b: 1h}}",
            "checks: [freshness: {a: 24h}, freshness: {b: 60m}]",
        ),
        ("checks: {references: {a: d, b: d}}", "checks: [references: {a: d}, references: {b: d}]"),
    ],
)
def test_short_forms_equal_long_ones(short, long, tmp_path):
    def dimension(text):
        given = text.partition(":")[0]
        kept = [line for line in BASE.splitlines() if line.partition(":")[0] != given]
        return one_dimension("\n".join([*kept, text]), tmp_path)

    assert without_paths(dimension(short)) == without_paths(dimension(long))


def test_what_is_left_out(tmp_path):
    dimension = one_dimension(BASE, tmp_path)
    assert (dimension.load, dimension.special_members, dimension.checks) == ("upsert", (), ())
    assert dimension.source.cursor is None
    assert [(column.name, column.expr, column.type) for column in dimension.columns] == [
        ("a", None, None),
        ("b", None, None),
    ]


def test_connections_that_nobody_wrote():
    star = load(VALID / "smallest.yml").star
    assert [(each.name, each.env, each.schema) for each in star.connections] == [
        ("source", "SOURCE", "public"),
        ("warehouse", "WAREHOUSE", "public"),
    ]


def test_a_calendar_offers_all_its_columns():
    dimension = load(VALID / "smallest.yml").star.dimensions[0]
    assert dimension.natural_key == ("date",)
    assert [column.name for column in dimension.columns][:3] == ["date", "year", "quarter"]
    assert len(dimension.columns) == 30


def test_paths_are_where_entries_stand(tmp_path):
    star = load(VALID / "every_key.yml").star
    users, orders = star.dimension("dim_users"), star.facts[0]
    assert users.source.path == "dimensions.dim_users.source"
    assert users.source.cursor.path == "dimensions.dim_users.source.cursor"
    assert (users.cache.ttl, users.cache.path) == (43_200, "dimensions.dim_users.cache")
    assert users.special_members[0].path == "dimensions.dim_users.special_members.unknown"
    assert users.checks[-1].path == "dimensions.dim_users.checks.4"
    assert orders.lookups[2].path == "facts.fact_orders.lookups.user_key"
    assert orders.columns[1].path == "facts.fact_orders.columns.total"
    dimension = one_dimension(BASE + "checks: {not_null: a}", tmp_path)
    assert dimension.checks[0].path == "dimensions.d.checks"


# --- vars


def test_vars_are_overridden_as_yaml_reads_them(tmp_path):
    text = BASE.replace("{a: , b: }", "{a: , b: \"'{{ vars.s }}' || {{ vars.n + 1 }}\"}")
    assert one_dimension(text, tmp_path).columns[1].expr == "'a' || 2"
    assert one_dimension(text, tmp_path, n="5", s="no").columns[1].expr == "'no' || 6"
    assert one_dimension(text, tmp_path, s="").columns[1].expr == "'' || 2"
    assert one_dimension(text, tmp_path, n="1.5").columns[1].expr == "'a' || 2.5"


def test_unknown_vars_are_said_without_a_place():
    with pytest.raises(MappingError) as raised:
        load(VALID / "every_key.yml", {"curency": "USD"})
    assert str(raised.value) == "--var curency: no var named 'curency' (did you mean 'currency'?)"
    with pytest.raises(MappingError) as raised:
        load(VALID / "smallest.yml", {"a": "1"})
    assert str(raised.value) == "--var a: no var named 'a' (define it under vars: first)"


def test_an_override_is_not_read_as_a_template(tmp_path):
    text = BASE.replace("{a: , b: }", "{a: , b: \"'{{ vars.s }}'\"}")
    assert one_dimension(text, tmp_path, s="{{ vars.n }}").columns[1].expr == "'{{ vars.n }}'"


def test_a_place_inside_of_what_jinja_rendered(tmp_path):
    text = (
        "version: 1\nname: m\nvars: {table: orders}\nfacts:\n  f:\n    source: |\n"
        "      SELECT id\n      FROM {{ vars.table }} AS o\n      WHERE wrong\n"
        "    grain: id\n    columns: {id: }\n"
    )
    loaded = load(write(tmp_path, {"m.yml": text}))
    query = loaded.star.facts[0].source.query
    place = loaded.document.inside("facts.f.source", query.index("wrong"))
    assert (place.line, place.column) == (9, 13)
    place = loaded.document.inside("facts.f.source", query.index("AS o"))
    assert (place.line, place.column) == (8, 29)


# --- include


def dimension(name, **more):
    lines = {
        "source": "SELECT a FROM t",
        "key": "k",
        "natural_key": "a",
        "columns": "{a: }",
        **more,
    }
    return f"  {name}:\n" + "".join(f"    {key}: {value}\n" for key, value in lines.items())


def test_included_entries_come_first_in_the_order_of_include(tmp_path):
    star = load(
        write(
            tmp_path,
            {
                "m.yml": "version: 1\nname: m\ninclude: [b.yml, 'parts/*.yml']\ndimensions:\n"
                + dimension("own"),
                "b.yml": "include: c.yml\ndimensions:\n" + dimension("b"),
                "c.yml": "dimensions:\n" + dimension("c"),
                "parts/2.yml": "dimensions:\n" + dimension("second"),
                "parts/1.yml": "include: ../c.yml\ndimensions:\n" + dimension("first"),
            },
        )
    ).star
    assert [each.name for each in star.dimensions] == ["c", "b", "first", "second", "own"]


def test_problems_name_the_file_as_it_was_given(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    write(
        tmp_path,
        {
            "m.yml": "version: 1\nname: m\ninclude: parts/d.yml\n",
            "parts/d.yml": "dimensions:\n" + dimension("d", natural_key="b"),
        },
    )
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(MappingError) as raised:
        load(Path("../m.yml"))
    assert str(raised.value).startswith("../parts/d.yml:5:18: dimensions.d.natural_key: 'b' is not")


def test_everything_in_included_files_is_merged(tmp_path):
    loaded = load(
        write(
            tmp_path,
            {
                "m.yml": "version: 1\nname: m\ninclude: p.yml\n"
                "connections: {crm: {env: CRM}}\nvars: {a: 1}\n",
                "p.yml": "version: 1\nname: other\ndescription: x\n"
                "connections: {erp: {env: ERP}}\nvars: {b: 2}\n"
                "dimensions:\n"
                + dimension("d", source="{query: 'SELECT {{ vars.a + vars.b }}', connection: erp}"),
            },
        )
    )
    assert loaded.star.name == "m"
    assert loaded.star.description == ""
    assert [each.name for each in loaded.star.connections] == ["source", "erp", "crm", "warehouse"]
    assert loaded.star.dimensions[0].source.query == "SELECT 3"
    assert loaded.document.place("vars.b").file.endswith("p.yml")
    assert loaded.document.place("vars.a").file.endswith("m.yml")


def test_audit_of_an_included_file_is_of_its_own_tables_and_of_what_it_includes(tmp_path):
    main = "version: 1\nname: m\naudit: [source]\ninclude: [p.yml, s.yml]\ndimensions:\n"
    files = {
        "m.yml": main + dimension("own"),
        "p.yml": "audit: [run_id]\ninclude: q.yml\ndimensions:\n"
        + dimension("p")
        + dimension("silent", audit="false"),
        "q.yml": "dimensions:\n" + dimension("q"),
        "s.yml": "dimensions:\n" + dimension("s"),
    }
    star = load(write(tmp_path, files)).star
    found = {each.name: each.audit for each in star.dimensions}
    assert found == {
        "own": ("source",), "p": ("run_id",), "silent": (), "q": ("run_id",), "s": ("source",)
    }  # fmt: skip
    files["p.yml"] = files["p.yml"].replace("[run_id]", "{run_id: r}")
    with pytest.raises(MappingError) as raised:
        load(write(tmp_path, files))
    assert str(raised.value).startswith(f"{tmp_path}/p.yml:1:8: audit: found a map")
    assert len(raised.value.problems) == 1


def test_of_a_misspelt_section_in_an_included_file_nothing_else_is_said(tmp_path):
    files = {
        "m.yml": "version: 1\nname: m\ninclude: p.yml\nfacts:\n  f:\n    source: SELECT 1 AS a\n"
        "    grain: a\n    columns: {a: }\n"
        "    lookups: {k: {dimension: d, on: a, missing: fail}}\n",
        "p.yml": "dimension:\n" + dimension("d"),
    }
    with pytest.raises(MappingError) as raised:
        load(write(tmp_path, files))
    assert str(raised.value) == (
        f"{tmp_path}/p.yml:1:1: dimension: unknown key 'dimension' (did you mean 'dimensions'?)"
    )


def test_a_chain_of_includes_is_not_endless(tmp_path):
    files = {"m.yml": "version: 1\nname: m\ninclude: 0.yml\ndimensions:\n" + dimension("d")}
    files |= {f"{at}.yml": f"include: {at + 1}.yml\n" for at in range(600)}
    with pytest.raises(MappingError, match="files are included more than 20 levels deep"):
        load(write(tmp_path, files))


def test_too_many_files(tmp_path):
    files = {"m.yml": "version: 1\nname: m\ninclude: p/*.yml\ndimensions:\n" + dimension("d")}
    files |= {f"p/{at}.yml": "vars: {}\n" for at in range(510)}
    with pytest.raises(MappingError) as raised:
        load(write(tmp_path, files))
    assert str(raised.value).endswith(
        "include: more than 500 files are included (is a pattern too wide?)"
    )


def test_a_link_to_itself(tmp_path):
    path = write(
        tmp_path,
        {"m.yml": "version: 1\nname: m\ninclude: link.yml\ndimensions:\n" + dimension("d")},
    )
    (tmp_path / "link.yml").symlink_to(path)
    with pytest.raises(MappingError, match=r"the files include each other: m\.yml -> m\.yml"):
        load(path)


def test_every_broken_file_is_said(tmp_path):
    files = {"m.yml": "version: 1\nname: m\ninclude: ['p*.yml']\nnonsense: 1\n"}
    files |= {"p1.yml": "a: [\n", "p2.yml": "", "p3.yml": "vars: {a: 1, a: 2}\n"}
    with pytest.raises(MappingError) as raised:
        load(write(tmp_path, files))
    said = str(raised.value).splitlines()
    assert [line.rpartition("/")[2].partition(":")[0] for line in said] == [
        "m.yml",
        "p1.yml",
        "p2.yml",
        "p3.yml",
    ]


# --- time


def test_loading_is_quick_and_needs_no_driver():
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from engine.mapping.load import load\n"
        "load(Path('mappings/star.yml'))\n"
        "assert not {'psycopg2', 'sqlalchemy', 'click', 'rich'} & set(sys.modules), 'imports too much'\n"
        "print(time.process_time())\n"
    )
    command = [sys.executable, "-c", code]
    times = [
        float(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.6  # seconds of processor time, the start of Python included; 0.2 if alone

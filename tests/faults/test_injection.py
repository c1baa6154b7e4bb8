"""Names, values, variables and settings that try to be SQL or to lead elsewhere: they are what they are."""

from __future__ import annotations

import pytest

from tests.conftest import query
from tests.faults.shop import SHOP, past
from tests.integration.stars import Stars, dimension, fact, star

EVIL = "x'; DROP TABLE canary; --"
NAMES = (
    'a"; DROP TABLE canary; --',
    "b'); DROP TABLE canary; --",
    "c\\'; DROP TABLE canary; --",
    "d$$; DROP TABLE canary; $$",
    "e */ DROP TABLE canary; /*",
    "f %(x)s :x {{ x }}",
)


@pytest.fixture
def canary(databases):
    """A table on both sides that anybody may drop; it must still be there at the end."""
    urls = (databases.source_admin_url, databases.warehouse_admin_url)
    for url in urls:
        query(url, "CREATE TABLE canary (); GRANT ALL ON SCHEMA public TO PUBLIC")
    query(databases.source_admin_url, "ALTER TABLE canary OWNER TO engine_reader")
    query(databases.warehouse_admin_url, "ALTER TABLE canary OWNER TO engine")
    yield
    for url in urls:
        assert query(url, "SELECT to_regclass('public.canary') IS NOT NULL") == [(True,)]


@pytest.fixture
def stars(databases, tmp_path):
    return Stars(databases, tmp_path)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.usefixtures("canary")
def test_names_and_values_of_a_mapping_and_of_its_data_are_no_sql(stars):
    stars.source(
        f"CREATE TABLE {quoted(NAMES[0])} (id int, "
        + ", ".join(f"{quoted(name)} text" for name in NAMES)
        + ")"
    )
    values = ", ".join("'" + name.replace("'", "''") + "'" for name in NAMES)
    stars.source(
        f"INSERT INTO {quoted(NAMES[0])} VALUES (1, {values}), (1, {values}), (2, {values})"
    )
    words = dict.fromkeys(NAMES)
    query_ = f"SELECT * FROM {quoted(NAMES[0])}"
    members = {"unknown": {"key": -1, **dict.fromkeys(NAMES, EVIL)}}
    mapping = star(
        **{
            f"dim_{NAMES[0]}": dimension(
                query_,
                {"id": None, **words},
                dedupe="id",
                key=NAMES[1],
                natural_key=["id"],
                special_members=members,
                description=EVIL,
                checks=[
                    {"accepted": {name: [EVIL, name]}, "name": EVIL, "on_failure": "reject"}
                    for name in NAMES[2:]
                ],
            )
            | {"columns": {"id": None, **{n: None for n in NAMES if n != NAMES[1]}}},
            f"fact {NAMES[1]}": fact(
                query_,
                {"id": None, **words},
                dedupe="id",
                lookups={EVIL: {"dimension": f"dim_{NAMES[0]}", "on": "id", "missing": "unknown"}},
                description=EVIL,
                checks=[{"accepted": {name: [EVIL]}, "on_failure": "reject"} for name in NAMES[:1]],
            ),
        }
    )
    del mapping["dimensions"][f"dim_{NAMES[0]}"]["special_members"]["unknown"][NAMES[1]]
    mapping |= {
        "description": EVIL,
        "connections": {"warehouse": {"env": "WAREHOUSE", "schema": NAMES[2]}},
    }
    for _ in range(2):
        report = stars.run(mapping)
        assert [(entry.read, entry.rejected) for entry in report.entries] == [(3, 1), (3, 3)]
    found = stars.warehouse(
        f"SELECT * FROM {quoted(NAMES[2])}.{quoted('dim_' + NAMES[0])} WHERE id > 0"
    )
    assert len(found) == 2
    assert set(NAMES) - {NAMES[1]} <= {value for value in found[0] if isinstance(value, str)}
    reasons = stars.column("SELECT count(*) FROM engine.reject")
    assert reasons[0] >= 4


@pytest.mark.usefixtures("canary")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x'; DROP TABLE canary; --", "a second statement begins after this ;"),
        ("x') AS q; DROP TABLE canary; --", "this ) closes nothing"),
        ("x' --", ""),
    ],
)
def test_a_variable_cannot_leave_its_query(value, said, stars):
    mapping = star(t=fact("SELECT user_id AS id FROM users WHERE city = '{{ vars.city }}'", "id"))
    path = stars.write(mapping | {"vars": {"city": "Rome"}})
    done = stars.engine("run", path, "--var", f"city={value}")
    assert done.returncode == (2 if said else 0), done.stderr
    assert said in done.stderr


@pytest.mark.usefixtures("canary")
@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("DB", "{} host=elsewhere.invalid", "does not exist"),
        ("DB", "postgresql://postgres@elsewhere.invalid/x", "does not exist"),
        ("USER", "postgres' options='-c role=postgres", "password authentication failed"),
        ("USER", EVIL, "password authentication failed"),
        ("PASSWORD", "x host=elsewhere.invalid", "password authentication failed"),
        ("PORT", "5432 host=elsewhere.invalid", "SOURCE_PORT"),
    ],
)
def test_a_setting_leads_nowhere_else(part, value, said, databases, engine):
    found = databases.source
    parts = {
        "SOURCE_URL": "",
        "SOURCE_HOST": found.host,
        "SOURCE_PORT": str(found.port),
        "SOURCE_DB": found.database,
        "SOURCE_USER": found.user,
        "SOURCE_PASSWORD": found.url().split(":")[2].split("@")[0],
        f"SOURCE_{part}": value.format(found.database),
    }
    running = engine(**parts)
    assert running.wait() in {1, 2}
    last = running.errors.splitlines()[-1]
    assert said in last, running.errors
    assert "could not translate host name" not in running.errors
    assert [run.status for run in past(databases)] in ([], ["failed"])


@pytest.mark.usefixtures("canary")
def test_what_is_selected_is_a_name(stars):
    done = stars.engine("run", SHOP, "--select", EVIL)
    assert done.returncode == 2
    assert EVIL in done.stderr

"""Rows that the source no longer has: flagged, closed or removed, and what becomes of those that return."""

from __future__ import annotations

import pytest

from engine.errors import CheckFailedError
from tests.integration.stars import (
    UNKNOWN,
    counts,
    dimension,
    fact,
    notices,
    star,
    untouched,
    verdicts,
)

ALL = {"max": "100%"}


@pytest.fixture
def shop(stars):
    stars.source(
        "CREATE TABLE guests (id int, name text, at timestamp);"
        "CREATE TABLE visits (id int, user_id int, amount numeric, at timestamp);"
        "GRANT SELECT ON guests, visits TO PUBLIC;"
        "INSERT INTO guests SELECT n, 'user ' || n, '2026-01-01' FROM generate_series(1, 20) AS n;"
        "INSERT INTO visits SELECT n, n, n, '2026-01-01' FROM generate_series(1, 10) AS n"
    )
    return stars


def users(policy="flag", query="SELECT * FROM guests", **more):
    given = {"cursor": "at", "special_members": UNKNOWN, "columns": "id name", **more}
    columns = given.pop("columns")
    entry = dimension(query, columns, **given)
    entry["source"]["deletes"] = policy
    return entry


def sales(deletes=None, **more):
    entry = fact(
        "SELECT * FROM visits",
        lookups={"user_key": {"dimension": "dim_user", "on": "user_id"}},
        **{"load": "upsert", "cursor": "at", **more},
    )
    if deletes:
        entry["source"]["deletes"] = deletes
    return entry


DELETED = "SELECT id FROM dim_user WHERE is_deleted ORDER BY id"


def test_flags_come_and_go_whatever_the_cursor_says(shop):  # TRAPS 9, 35
    little = star(dim_user=users())
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id IN (3, 4)")
    assert counts(shop.run(little), "dim_user") == {"read": 18, "unchanged": 18, "deleted": 2}
    assert shop.column(DELETED) == [3, 4]
    (since,) = shop.column("SELECT DISTINCT deleted_at FROM dim_user WHERE is_deleted")
    shop.source("INSERT INTO guests VALUES (3, 'user 3', '2025-01-01')")  # below the watermark
    before = shop.warehouse("SELECT id, key FROM dim_user ORDER BY 1")
    assert counts(shop.run(little), "dim_user") == {"read": 18, "unchanged": 18, "returned": 1}
    assert shop.column("SELECT deleted_at FROM dim_user WHERE is_deleted") == [since]
    assert shop.warehouse("SELECT id, key FROM dim_user ORDER BY 1") == before
    still = untouched(shop)
    shop.run(little)
    assert untouched(shop) == still
    assert shop.column("SELECT count(*) FROM dim_user WHERE key = -1 AND NOT is_deleted") == [1]


def test_too_many_gone_are_a_source_that_is_not_all_there(shop):  # TRAPS 9
    little = star(dim_user=users())
    shop.run(little)
    before = untouched(shop)
    shop.source("CREATE TABLE gone AS SELECT * FROM guests; TRUNCATE guests")
    with pytest.raises(
        CheckFailedError, match="20 of 20 rows are gone from the source, 100 %"
    ) as e:
        shop.run(little)
    assert "--allow-deletes" in str(e.value)
    assert untouched(shop) == before
    shop.source("INSERT INTO guests SELECT * FROM gone WHERE id > 2")
    assert counts(shop.run(little), "dim_user")["deleted"] == 2
    shop.source("TRUNCATE guests")
    shop.write(little)
    done = shop.engine("run", "little.yml", "--allow-deletes", "--report", "json")
    assert done.returncode == 0, done.stderr
    assert '"deleted": 18' in done.stdout
    failed = shop.engine("plan", "little.yml")
    assert "prove few gone" in failed.stdout
    assert "prove few gone" not in shop.engine("plan", "little.yml", "--allow-deletes").stdout


def test_a_number_of_rows_is_a_limit_too(shop):
    little = star(dim_user=users({"policy": "remove", "max": 1}))
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id < 3")
    with pytest.raises(CheckFailedError, match="2 of 20 rows"):
        shop.run(little)


def test_removed_are_those_that_no_fact_refers_to(shop):
    little = star(
        dim_user=users({"policy": "remove", **ALL}), fact_sale=sales({"policy": "remove", **ALL})
    )
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id IN (1, 11, 12)")
    report = shop.run(little)
    assert counts(report, "dim_user")["deleted"] == 2
    assert "1 member is gone from the source, and stays as facts refer to it" in notices(report)
    assert shop.column(DELETED) == [1]
    assert counts(shop.run(little), "dim_user").get("deleted") is None
    shop.source("DELETE FROM visits WHERE id = 1")
    assert counts(shop.run(little), "fact_sale")["deleted"] == 1
    assert counts(shop.run(little), "dim_user")["deleted"] == 1
    assert shop.column("SELECT count(*) FROM dim_user WHERE key > 0") == [17]


def test_a_key_that_is_computed_is_compared_as_it_is_computed(shop):
    columns = {"code": "upper(name || '/' || id)", "name": None}
    little = star(
        dim_user=users(ALL | {"policy": "remove"}, columns=columns, natural_key="code"),
        fact_sale=fact(
            "SELECT * FROM visits", {"line": "id * 2", "amount": None}, cursor="at", grain="line"
        ),
    )
    little["facts"]["fact_sale"]["source"]["deletes"] = ALL | {"policy": "flag"}
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id = 7; DELETE FROM visits WHERE id = 7")
    report = shop.run(little)
    assert counts(report, "dim_user")["deleted"] == counts(report, "fact_sale")["deleted"] == 1
    assert shop.column("SELECT count(*) FROM dim_user WHERE code = 'USER 7/7'") == [0]
    assert shop.column("SELECT line FROM fact_sale WHERE is_deleted") == [14]


def test_rejected_rows_and_rows_without_a_cursor_are_not_gone(shop):  # TRAPS 9
    checks = [{"not_null": "name", "on_failure": "reject"}]
    cursor = {"column": "at", "null": "never"}
    little = star(dim_user=users(ALL | {"policy": "remove"}, checks=checks, cursor=cursor))
    shop.run(little)
    shop.source(
        "UPDATE guests SET name = NULL WHERE id = 1; UPDATE guests SET at = NULL WHERE id = 2"
    )
    assert "deleted" not in counts(shop.run(little), "dim_user")
    assert "deleted" not in counts(shop.run(little, full_refresh=True), "dim_user")
    assert shop.column("SELECT count(*) FROM dim_user WHERE key > 0") == [20]


def test_a_replace_has_the_limit_that_it_is_given(shop):
    little = star(dim_user=users({"max": "10%"}, load="replace", cursor=None))
    del little["dimensions"]["dim_user"]["source"]["cursor"]
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id < 3")
    assert counts(shop.run(little), "dim_user")["deleted"] == 2
    shop.source("DELETE FROM guests WHERE id < 5")
    with pytest.raises(CheckFailedError, match="2 of 18 rows are gone"):
        shop.run(little)


VERSIONS = (
    "SELECT name, valid_from::text, valid_to::text, deleted_at::text, is_current, key FROM dim_user "
    "WHERE id = 1 ORDER BY valid_from"
)
EVER, NEVER = "-infinity", "infinity"


def closing(**more):
    columns = {"id": None, "name": {"scd": 2}}
    return star(dim_user=users("close", columns=columns, history={"effective": "at"}, **more))


def test_a_closed_member_ends_by_the_clock_of_its_history_and_returns_once(shop):  # TRAPS 34, 35
    little = closing()
    shop.source("UPDATE guests SET at = '3000-01-01'")  # by a clock that is ahead of the run's
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id = 1")
    assert counts(shop.run(little), "dim_user")["deleted"] == 1
    end = "3000-01-01 00:00:00.000001"
    (first,) = shop.warehouse(VERSIONS)
    assert first[:5] == ("user 1", EVER, end, end, False)
    still = untouched(shop)
    shop.run(little)
    assert untouched(shop) == still
    # It returns later: a version of its own, though it says the same, and a gap in between.
    shop.source("INSERT INTO guests VALUES (1, 'user 1', '3000-02-01')")
    assert counts(shop.run(little), "dim_user")["inserted"] == 1
    again = shop.warehouse(VERSIONS)
    assert again[0] == first
    assert again[1][:5] == ("user 1", "3000-02-01 00:00:00", NEVER, None, True)
    still = untouched(shop)
    shop.run(little, full_refresh=True)
    assert untouched(shop) == still
    # A row that comes late, of the time before the end, splits that version and not its end.
    shop.source("INSERT INTO guests VALUES (1, 'Ada', '2999-01-01')")
    shop.run(little, full_refresh=True)
    assert [row[:5] for row in shop.warehouse(VERSIONS)] == [
        ("Ada", EVER, "3000-01-01 00:00:00", None, False),
        ("user 1", "3000-01-01 00:00:00", end, end, False),
        ("user 1", "3000-02-01 00:00:00", NEVER, None, True),
    ]
    assert shop.warehouse(VERSIONS)[1][5] == first[5]


def test_a_member_that_returns_as_it_was_goes_on(shop):  # TRAPS 35
    little = closing()
    shop.run(little)
    (first,) = shop.warehouse(VERSIONS)
    shop.source("DELETE FROM guests WHERE id = 1")
    shop.run(little)
    (closed,) = shop.warehouse(VERSIONS)
    assert closed[2] == closed[3] != NEVER
    assert shop.column(
        "SELECT valid_to > now() at time zone 'UTC' - interval '1 min' FROM dim_user WHERE id = 1"
    ) == [True]
    shop.source("INSERT INTO guests VALUES (1, 'user 1', '2026-01-01')")
    assert counts(shop.run(little), "dim_user") == {"read": 20, "unchanged": 20, "returned": 1}
    assert shop.warehouse(VERSIONS) == [first]
    shop.source("DELETE FROM guests WHERE id = 1")
    shop.run(little)
    shop.source(
        "INSERT INTO guests VALUES (1, 'Ada', '2026-02-01')"
    )  # changed meanwhile, by its own clock
    shop.run(little)
    assert [row[:5] for row in shop.warehouse(VERSIONS)] == [
        ("user 1", EVER, "2026-02-01 00:00:00", None, False),
        ("Ada", "2026-02-01 00:00:00", NEVER, None, True),
    ]


# TRAPS 34
def test_a_member_ends_by_the_local_time_in_which_its_history_is_told(shop):
    """The source's clock on the wall is 14 hours ahead of the warehouse's, and the times in it are local."""
    admin, name = shop.databases.source_admin_url, shop.databases.source.database
    shop.execute_outside(admin, f"ALTER DATABASE {name} SET timezone = 'Pacific/Kiritimati'")
    little = closing()
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id = 1")
    shop.run(little)
    ahead = "valid_to - now() AT TIME ZONE 'UTC' BETWEEN interval '13 h' AND interval '15 h'"
    assert shop.column(f"SELECT {ahead} FROM dim_user WHERE id = 1") == [True]


@pytest.mark.parametrize("type_", ["date", "timestamptz", "timestamp(0)", None])
def test_every_clock_closes_after_it_has_begun(shop, type_):
    columns = {"id": None, "name": {"scd": 2}}
    history = {"effective": f"current_timestamp::{type_}"} if type_ else {}
    entry = users("close", columns=columns, history=history)
    del entry["source"]["cursor"]
    little = star(dim_user=entry)
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id = 1")
    assert counts(shop.run(little), "dim_user")["deleted"] == 1
    assert shop.column(
        "SELECT count(*) FROM dim_user WHERE NOT is_current AND valid_to = deleted_at"
    ) == [1]
    shop.source("INSERT INTO guests VALUES (1, 'user 1', '2026-01-01')")
    shop.run(little)
    shop.run(little)
    assert shop.column("SELECT count(*) FROM dim_user WHERE id = 1 AND is_current") == [1]
    assert shop.column("SELECT count(*) <= 2 FROM dim_user WHERE id = 1") == [True]


def test_versions_are_flagged_and_removed_with_their_member(shop):
    columns = {"id": None, "name": {"scd": 2}}
    little = star(
        dim_user=users({"policy": "remove", **ALL}, columns=columns, history={"effective": "at"}),
        fact_sale=sales(),
    )
    shop.run(little)
    shop.source("UPDATE guests SET name = 'new', at = '2026-02-01' WHERE id IN (1, 20)")
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id IN (1, 20)")
    report = shop.run(little)
    assert counts(report, "dim_user")["deleted"] == 2, "both versions of the member without facts"
    assert shop.column("SELECT DISTINCT id FROM dim_user WHERE is_deleted") == [1]


def test_checks_of_a_table_pass_over_what_is_flagged(shop):
    little = star(dim_user=users(), fact_visit=sales("flag"))
    little["dimensions"]["dim_user"]["checks"] = [{"unique": "name"}, {"row_count": {"min": 20}}]
    little["facts"]["fact_visit"]["columns"]["at"] = None
    little["facts"]["fact_visit"]["checks"] = [
        {"unique": "amount"},
        {"row_count": {"max": 10}},
        {"freshness": {"at": "1d"}, "severity": "warn"},
    ]
    shop.source("UPDATE visits SET at = localtimestamp WHERE id = 3")
    assert verdicts(shop.run(little))["freshness at"] == ("pass", 0)
    shop.source(
        "DELETE FROM guests WHERE id = 3; DELETE FROM visits WHERE id = 3;"
        "INSERT INTO guests VALUES (21, 'user 3', '2026-02-01');"
        "INSERT INTO visits VALUES (11, 1, 3, localtimestamp - interval '2 d')"
    )
    report = shop.run(little, full_refresh=True)
    assert shop.column("SELECT count(*) FROM fact_visit WHERE is_deleted") == [1]
    assert verdicts(report)["freshness at"] == ("warn", 1)  # the newest is flagged
    assert {name: status for name, (status, _) in verdicts(report).items()} == {
        "unique name": "pass", "row_count": "pass", "unique amount": "pass", "freshness at": "warn"
    }  # fmt: skip
    assert counts(shop.run(little), "dim_user").get("deleted") is None

    # One that returns below the watermark is not read, and is seen all the same.
    shop.source("INSERT INTO guests VALUES (3, 'user 3', '2025-01-01')")
    with pytest.raises(CheckFailedError, match="check 'unique name' fails: 2 of 21 rows break it"):
        shop.run(little)


def test_a_flagged_member_with_history_breaks_no_check_of_its_versions(shop):
    little = star(
        dim_user=users(columns={"id": None, "name": {"scd": 2}}, history={"effective": "at"})
    )
    shop.source("UPDATE guests SET name = NULL WHERE id = 3")
    shop.run(little)
    shop.source("DELETE FROM guests WHERE id = 3")
    shop.run(little)
    little["dimensions"]["dim_user"]["checks"] = [{"not_null": "name"}]
    assert verdicts(shop.run(little))["not_null name"] == ("pass", 0)

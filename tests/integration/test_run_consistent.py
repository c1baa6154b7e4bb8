"""All queries of a run see one moment of the source, and the source sees only a reader."""

from __future__ import annotations

import threading

import pytest

from engine.database import source
from engine.database.connect import Sessions, engine_for
from engine.database.source import Snapshot
from engine.errors import RunError
from engine.listener import Silent
from engine.plan.steps import Copy, InsertNew, Step
from engine.settings import settings_for
from tests.conftest import query
from tests.integration.stars import UNKNOWN, Hook, counts, dimension, fact, star

TABLES = """
CREATE TABLE members (id integer PRIMARY KEY, name text);
CREATE TABLE events (id integer PRIMARY KEY, member integer);
INSERT INTO members SELECT g, 'm' || g FROM generate_series(1, 100) AS g;
INSERT INTO events SELECT g, 1 + g % 100 FROM generate_series(1, 1000) AS g;
GRANT SELECT ON members, events TO engine_reader;
"""
LATER = """
INSERT INTO members SELECT g, 'm' || g FROM generate_series(101, 200) AS g;
INSERT INTO events SELECT 1000 + g, 100 + g FROM generate_series(1, 100) AS g;
DELETE FROM events WHERE id = 1;
"""


class WritesBetween(Silent):
    """Writes to the source, in one transaction, as soon as the first query of a run begins."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._once = threading.Lock()
        self.wrote = False

    def began(self, step: Step) -> None:
        with self._once:
            if isinstance(step, Copy) and not self.wrote:
                query(self._url, LATER)
                self.wrote = True


def mapping():
    return star(
        dim_members=dimension("SELECT id, name FROM members", special_members=UNKNOWN),
        events=fact(
            "SELECT id, member FROM events",
            "id member",
            lookups={
                "member_key": {
                    "dimension": "dim_members",
                    "on": {"id": "member"},
                    "missing": "fail",
                }
            },
        ),
    )


def test_facts_never_refer_to_members_that_came_between_the_queries(stars):
    stars.source(TABLES)
    writer = WritesBetween(stars.databases.source_admin_url)
    stars.run(mapping(), listener=writer)
    assert writer.wrote
    counts = (
        "SELECT (SELECT count(*) FROM dim_members WHERE key > 0), (SELECT count(*) FROM events)"
    )
    assert stars.warehouse(counts) == [(100, 1000)]
    stars.run(mapping())
    assert stars.warehouse(counts) == [(200, 1100)]


def test_several_queries_stream_at_a_time(stars):
    slow = "SELECT g AS id, 'x' AS name FROM generate_series(1, 2) AS g, pg_sleep(0.5)"
    at_once: list[int] = []

    class Watch(Silent):
        def began(self, step: Step) -> None:
            if isinstance(step, Copy):
                at_once.append(1)

    sessions: list[tuple[int]] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            sessions.extend(
                query(
                    stars.databases.source_admin_url,
                    "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'copy%pg_sleep%'"
                    " AND state = 'active' AND datname = current_database()",
                )
            )

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        stars.run(star(dim_a=dimension(slow), dim_b=dimension(slow)), listener=Watch())
    finally:
        done.set()
        watcher.join()
    assert len(at_once) == 2
    assert max(count for (count,) in sessions) == 2


@pytest.mark.parametrize("drawing", ["nextval('drawn')", "drawn_while_planned()"])
def test_the_source_is_only_read(stars, drawing):
    """A function that calls itself immutable is called as soon as a query is planned, and so looked at."""
    stars.source(
        "CREATE SEQUENCE drawn; GRANT USAGE ON drawn TO engine_reader;"
        "CREATE FUNCTION drawn_while_planned() RETURNS bigint IMMUTABLE LANGUAGE sql "
        "AS $$ SELECT nextval('drawn') + count(*) FROM generate_series(1, 2) $$"
    )
    writing = star(dim_a=dimension(f"SELECT {drawing} AS id, 'x' AS name"))
    with pytest.raises(Exception, match="read-only transaction"):
        stars.run(writing)
    assert stars.source("SELECT is_called FROM drawn") == [(False,)]


def test_select_on_what_the_queries_read_is_all_that_is_needed(stars):
    stars.source(
        TABLES + "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM engine_reader;"
        "GRANT SELECT ON members, events TO engine_reader; REVOKE CREATE, TEMP ON DATABASE "
        f'"{stars.databases.source.database}" FROM PUBLIC'
    )
    assert stars.run(mapping()).status == "done"


def test_a_missing_permission_is_named(stars):
    stars.source(TABLES + "REVOKE ALL ON events FROM engine_reader")
    with pytest.raises(Exception, match=r"permission denied for table events .*GRANT SELECT"):
        stars.run(mapping())


def test_who_joins_a_snapshot_sees_its_moment(stars):
    stars.source(TABLES)
    loaded = stars.load(mapping())
    settings = settings_for(loaded.star.connections, stars.databases.environment)
    with Sessions() as sessions:
        snapshot = Snapshot(engine_for(settings["source"]), sessions)
        stars.source(LATER)
        joined = snapshot.connect()
        snapshot.join(joined)
        assert joined.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 1000
        assert joined.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on"
        snapshot.verdict()


@pytest.mark.parametrize(("slips", "exact"), [(0, True), (1, True), (99, False)])
def test_a_writer_that_slips_between_the_looks_is_noticed(stars, monkeypatch, slips, exact):
    """It is open in neither look, and the snapshot may be without its rows: no mark is settled by that."""
    stars.source(TABLES)
    loaded = stars.load(mapping())
    settings = settings_for(loaded.star.connections, stars.databases.environment)
    left, begin = iter(range(slips)), source.begin

    def slip(reader):
        if next(left, None) is not None:
            stars.source("UPDATE members SET name = name WHERE id = 1")
        return begin(reader)

    monkeypatch.setattr(source, "begin", slip)
    with Sessions() as sessions:
        snapshot = Snapshot(engine_for(settings["source"], read_only=True), sessions)
        assert snapshot.activity.exact == exact
        assert len(list(left)) == max(slips - source.TRIES - 1, 0)


def test_a_source_that_has_gone_is_noticed_before_the_commit(stars):
    loaded = stars.load(mapping())
    settings = settings_for(loaded.star.connections, stars.databases.environment)
    with Sessions() as sessions:
        snapshot = Snapshot(engine_for(settings["source"]), sessions)
        query(
            stars.databases.source_admin_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'engine_reader' AND datname = current_database()",
        )
        with pytest.raises(RunError, match=r"^SOURCE .* was lost before the commit") as caught:
            snapshot.verdict()
    assert caught.value.transient


def test_a_run_whose_source_has_gone_begins_again(stars):
    """All its rows had come; but nobody vouches for them any more (TRAPS 11)."""
    gone = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE usename = 'engine_reader' AND datname = current_database()"
    )
    hook = Hook(InsertNew, "dim_members", lambda: stars.source(gone))
    stars.source(TABLES)
    stars.run(star(dim_members=dimension("SELECT id, name FROM members")), listener=hook)
    assert hook.done
    assert stars.warehouse("SELECT status, attempt FROM engine.run") == [("done", 2)]
    assert stars.column("SELECT count(*) FROM dim_members") == [100]


def test_a_run_waits_longer_than_sessions_and_transactions_may(stars):
    """What waits for other steps is idle by design, and a run is one transaction."""
    stars.source(TABLES)
    limits = ["idle_session_timeout", "idle_in_transaction_session_timeout"]
    ((version,),) = stars.source("SELECT current_setting('server_version_num')::integer")
    limits += ["transaction_timeout"] if version >= 170000 else []
    for server, admin in (
        (stars.databases.source, stars.databases.source_admin_url),
        (stars.databases.warehouse, stars.databases.warehouse_admin_url),
    ):
        for limit in limits:
            stars.execute_outside(admin, f"ALTER DATABASE {server.database} SET {limit} = '300ms'")
    slow = "SELECT id, name FROM members CROSS JOIN (SELECT pg_sleep(1.2)) AS s"
    report = stars.run(star(dim_members=dimension(slow), dim_same=dimension(slow)))
    assert counts(report, "dim_same") == {"read": 100, "inserted": 100}
    assert stars.column("SELECT attempt FROM engine.run") == [1]

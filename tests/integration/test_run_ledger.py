"""The ledger tells the truth: what ran, what it did, who runs now, who died, what was published after all."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager

import psycopg2
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from engine.database.connect import Sessions, engine_for
from engine.database.ledger import migrate
from engine.database.publish import Publication
from engine.database.tables import MIGRATIONS, SCHEMA
from engine.errors import CheckFailedError, LockedError, RunError
from engine.plan.steps import InsertNew
from engine.settings import settings_for
from tests.conftest import connect
from tests.integration.stars import STAR, Hook, dimension, star

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('engine:little', 0))"


def little(**more):
    return star(dim_little=dimension("SELECT user_id AS id, name FROM users", **more))


def test_a_run_its_steps_checks_and_watermarks_are_recorded_with_the_star(stars):
    report = stars.run(STAR)
    assert stars.warehouse(
        "SELECT run_id::text, mapping, status, attempt, error, ended_at > started_at FROM engine.run"
    ) == [(report.run_id, "star", "done", 1, None, True)]
    steps = stars.warehouse(
        "SELECT entry, title, measure, rows::int FROM engine.step ORDER BY ordinal"
    )
    assert steps == [(s.entry, s.title, s.measure, s.rows) for s in report.steps]
    checks = stars.warehouse(
        "SELECT entry, check_name, status, place FROM engine.check_result ORDER BY ordinal"
    )
    assert checks == [(c.entry, c.check, c.status, c.place) for c in report.checks]
    assert stars.warehouse(
        "SELECT entry, settled, run_id::text FROM engine.watermark ORDER BY entry"
    ) == [(name, True, report.run_id) for name in ("dim_products", "dim_users", "fact_orders")]
    newest = stars.source("SELECT max(updated_at)::text FROM orders")
    assert (
        stars.warehouse("SELECT high FROM engine.watermark WHERE entry = 'fact_orders'") == newest
    )


def test_a_failed_run_is_recorded_with_its_reason_and_moves_no_watermark(stars):
    stars.run(little())
    before = stars.warehouse("SELECT * FROM engine.watermark")
    failing = little(checks=[{"row_count": {"min": 1000}}])
    with pytest.raises(CheckFailedError):
        stars.run(failing)
    runs = stars.warehouse("SELECT status, error FROM engine.run ORDER BY started_at")
    assert [status for status, _ in runs] == ["done", "failed"]
    assert "check 'row_count' fails" in runs[1][1]
    assert stars.warehouse("SELECT status FROM engine.check_result") == [("fail",)]
    assert stars.warehouse("SELECT * FROM engine.watermark") == before


def test_history_lists_runs_and_shows_a_dead_one_as_died(stars):
    stars.run(little())
    stars.warehouse(
        "INSERT INTO engine.run (run_id, mapping, status, host, pid) "
        "VALUES (gen_random_uuid(), 'little', 'running', 'elsewhere', 1)"
    )
    done = stars.engine("history")
    assert done.returncode == 0
    assert [line.split()[3] for line in done.stdout.splitlines()[1:]] == ["died", "done"]
    assert done.stdout.splitlines()[0].split()[-3:] == ["rejected", "warnings", "failures"]
    stars.run(little())  # who has the lock knows that it is alone
    assert sorted(stars.column("SELECT status FROM engine.run")) == ["died", "done", "done"]


def test_history_of_a_warehouse_without_a_ledger(stars):
    done = stars.engine("history")
    assert (done.returncode, done.stdout) == (0, "no runs yet\n")


def test_a_second_run_is_told_who_runs_and_writes_nothing(stars):
    seen: list[object] = []

    def second() -> None:
        seen.extend(stars.warehouse("SELECT mapping, run_id::text FROM engine.lock"))
        done = stars.engine("run", stars.write(little()))
        seen.extend((done.returncode, done.stderr))

    hook = Hook(InsertNew, "dim_little", second)
    report = stars.run(little(), listener=hook)
    lock, code, message = seen
    assert lock == ("little", report.run_id)
    assert code == 4
    assert f"mapping 'little' is being run already: run {report.run_id} on " in message
    assert stars.warehouse("SELECT count(*) FROM engine.run") == [(1,)]
    assert stars.warehouse("SELECT * FROM engine.lock") == []


def test_another_mapping_may_run_at_the_same_time(stars):
    other = star("other", dim_other=dimension("SELECT 1 AS id, 'x' AS name"))
    hook = Hook(InsertNew, "dim_little", lambda: stars.run(other))
    stars.run(little(), listener=hook)
    assert hook.done
    assert sorted(stars.column("SELECT mapping FROM engine.run")) == ["little", "other"]


def test_the_lock_ends_with_the_session_that_holds_it(stars):
    with closing(connect(stars.databases.warehouse_url)) as holder, holder.cursor() as cursor:
        cursor.execute(LOCK)
        with pytest.raises(LockedError, match="a run that is just starting"):
            stars.run(little())
    assert stars.run(little()).status == "done"


@contextmanager
def after_the_first_look(act):
    """Do something as soon as the engine has asked the ledger, in vain, who holds the lock."""
    looks = []

    def look(connection, cursor, statement, *_):
        if f"from {SCHEMA}.lock" in statement:
            looks.append(cursor.rowcount)
            if len(looks) == 1:
                act()

    event.listen(Engine, "after_cursor_execute", look)
    try:
        yield looks
    finally:
        event.remove(Engine, "after_cursor_execute", look)


def test_a_lock_that_is_let_go_while_its_holder_is_looked_for_is_taken(stars):
    stars.run(little())
    with closing(connect(stars.databases.warehouse_url)) as holder, holder.cursor() as cursor:
        cursor.execute(LOCK)
        with after_the_first_look(holder.rollback) as looks:
            assert stars.run(little()).status == "done"
    assert looks == [0]


def test_a_holder_that_the_ledger_learns_of_in_time_is_named(stars):
    stars.run(little())

    def begin():
        stars.warehouse(
            "INSERT INTO engine.run (run_id, mapping, status, host, pid) "
            "VALUES (gen_random_uuid(), 'little', 'running', 'elsewhere', 1)"
        )

    with closing(connect(stars.databases.warehouse_url)) as holder, holder.cursor() as cursor:
        cursor.execute(LOCK)
        with (
            after_the_first_look(begin) as looks,
            pytest.raises(LockedError, match=r"on elsewhere \(process 1\) since"),
        ):
            stars.run(little())
    assert looks == [0, 1]


@pytest.mark.parametrize("published", [True, False])
def test_the_answer_to_commit_is_lost_and_the_ledger_is_asked(stars, monkeypatch, published):
    real = Publication.commit
    lost: list[bool] = []

    def commit(self, *arguments):
        if not lost:
            lost.append(True)
            if published:
                real(self, *arguments)
            raise RunError("the answer to COMMIT was lost", transient=True) from OperationalError(
                "COMMIT", {}, psycopg2.OperationalError("server closed the connection unexpectedly")
            )
        real(self, *arguments)

    monkeypatch.setattr(Publication, "commit", commit)
    report = stars.run(little())
    assert report.status == "done"
    assert {check.status for check in report.checks} <= {"pass"}
    (entry,) = report.entries
    assert (entry.read, entry.inserted) == (68, 68)
    assert stars.warehouse("SELECT count(*), max(key) FROM dim_little") == [(68, 68)]
    assert stars.warehouse("SELECT status, attempt FROM engine.run") == [
        ("done", 1 if published else 2)
    ]


def test_two_that_make_the_ledger_at_once_make_one(stars):
    loaded = stars.load(little())
    engine = engine_for(
        settings_for(loaded.star.connections, stars.databases.environment)["warehouse"]
    )
    start, errors = threading.Barrier(4), []

    def make() -> None:
        with Sessions() as sessions:
            connection = sessions.connect(engine)
            start.wait()
            try:
                migrate(connection)
            except Exception as error:  # noqa: BLE001  (the test says which)
                errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert stars.warehouse("SELECT count(*), min(number) FROM engine.version") == [
        (1, len(MIGRATIONS))
    ]


def test_a_ledger_of_the_first_version_is_brought_to_this_one(stars):
    stars.run(little())
    stars.warehouse("DROP TABLE engine.dimension; UPDATE engine.version SET number = 1")
    stars.run(little())  # nothing has changed, and the dimension gets a version all the same
    assert stars.column("SELECT number FROM engine.version") == [len(MIGRATIONS)]
    assert stars.column("SELECT table_name FROM engine.dimension") == ["dim_little"]


def test_a_ledger_of_a_newer_engine_is_left_alone(stars):
    stars.run(little())
    stars.warehouse("UPDATE engine.version SET number = 99")
    with pytest.raises(
        RunError, match=f"ledger is of version 99, this engine knows {len(MIGRATIONS)}"
    ):
        stars.run(little())


def test_a_role_that_cannot_create_schemas_uses_those_that_are_there(stars):
    database = stars.databases.warehouse.database
    stars.execute_outside(
        stars.databases.warehouse_admin_url, f'ALTER DATABASE "{database}" OWNER TO postgres'
    )
    with pytest.raises(RunError, match=r"permission denied .* needs .* CREATE on the database"):
        stars.run(little())
    for schema in ("engine", "engine_stage"):
        stars.execute_outside(
            stars.databases.warehouse_admin_url, f"CREATE SCHEMA {schema} AUTHORIZATION engine"
        )
    stars.execute_outside(
        stars.databases.warehouse_admin_url, "GRANT USAGE, CREATE ON SCHEMA public TO engine"
    )
    assert stars.run(little()).status == "done"


def test_a_stage_that_is_left_behind_is_dropped_whether_its_entry_is_there_or_not(stars):
    broken = dimension("SELECT 1 AS id, 0 AS name", {"id": None, "name": "1 / name"})
    with pytest.raises(RunError, match="division by zero"):
        stars.run(star(dim_old=broken))
    stages = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'engine_stage' ORDER BY 1"
    assert stars.column(stages) == ["little.dim_old"]
    stars.warehouse('CREATE TABLE engine_stage."little_other.dim_old" ()')
    stars.run(star(dim_new=dimension("SELECT 1 AS id, 'x' AS name")))
    assert stars.column(stages) == ["little_other.dim_old"]

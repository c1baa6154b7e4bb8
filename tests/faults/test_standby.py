"""The source is a hot standby, whose primary takes away what a query there still needs."""

from __future__ import annotations

from tests.conftest import query, query_outside
from tests.faults.shop import (
    Gate,
    change,
    content,
    gated_query,
    loaded,
    past,
    run_here,
    wait_until,
    wanted,
)
from tests.faults.standby import catch_up, standby


def test_a_conflict_with_recovery_costs_an_attempt(databases, engine, tmp_path):
    primary = databases.source
    with standby(primary) as other:
        variables = {"SOURCE_URL": other.url()}
        # Who writes on the primary cannot be seen from here: so the report says, and the lag holds.
        report = run_here(databases, **variables)
        assert {n.entry for n in report.notices if "cannot be seen" in n.text} == {
            "dim_users",
            "dim_products",
            "fact_orders",
        }
        assert loaded(databases) == wanted(databases)
        change(databases, 1)
        catch_up(primary, other)
        before = content(databases)
        with Gate(other.admin_url()) as gate:
            running = engine(mapping=gated_query(tmp_path / "gated.yml"), **variables)
            gate.wait()
            query(
                primary.admin_url(), "UPDATE users SET name = name; UPDATE orders SET total = total"
            )
            query_outside(primary, "VACUUM users, orders")
            wait_until(lambda: "attempt 1 of 8" in running.errors, "the first attempt has failed")
            assert content(databases) == before
            catch_up(primary, other)
        assert running.wait() == 0, running.errors
        assert "conflict with recovery" in running.errors
    assert [(run.status, run.error) for run in past(databases)] == [("done", None)] * 2
    assert loaded(databases) == wanted(databases)


def test_a_standby_that_took_over_is_another_source_and_everything_is_read(databases):
    """Cluster and database are the same; what the old primary wrote last need not have come here."""
    primary = databases.source
    run_here(databases)
    with standby(primary) as other:
        catch_up(primary, other)
        query(other.admin_url(), "SELECT pg_promote()")
        # Below the watermark, and without the trigger that would say the time of now.
        below = "UPDATE users SET city = 'Elsewhere', updated_at = '2020-01-01' WHERE user_id = 3"
        query(other.admin_url(), f"SET session_replication_role = replica; {below}")
        report = run_here(databases, SOURCE_URL=other.url())
        assert restored(report) == {"dim_users", "dim_products", "fact_orders"}
        city = "SELECT city FROM dim_users WHERE user_id = 3"
        assert query(databases.warehouse_url, city) == [("Elsewhere",)]
        assert restored(run_here(databases, SOURCE_URL=other.url())) == set()
    assert len(restored(run_here(databases))) == 3
    assert loaded(databases) == wanted(databases)


def restored(report):
    """Return the entries that were read as a whole, as the source is not what it was."""
    return {notice.entry for notice in report.notices if "restored or failed over" in notice.text}

"""Names that are too long for PostgreSQL are shortened: what is there is known again by them."""

from __future__ import annotations

import pytest

from tests.integration.stars import UNKNOWN, dimension, fact, notices, star

SOURCE = """
CREATE TABLE customers (customer_identification int, boss int, city text, at timestamp);
CREATE TABLE sales (sale_identification int, customer int, kind text, day date, amount int);
INSERT INTO customers VALUES
  (1, NULL, 'Rome', '2026-01-01'), (2, 1, 'Bonn', '2026-01-01'), (1, NULL, 'Oslo', '2026-02-01');
INSERT INTO sales VALUES (1, 1, 'gift', '2026-01-05', 5), (2, 9, NULL, '2026-02-05', 6);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
"""
CUSTOMERS = "dim_customers_of_the_north_region_and_of_the_south_reg"
KINDS = "dim_kinds_of_sales_of_the_north_region_and_of_the_south_region"
SALES = "sales_of_the_north_region_and_of_the_south_region_by_day"
MONTHS = "sales_of_the_north_region_and_of_the_south_region_by_kind"
OBJECTS = """
SELECT oid::int, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'S'
UNION ALL SELECT oid::int, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
ORDER BY 1, 2
"""
CHANGES = ("add", "create", "drop")


def regions(**more):
    history = {"effective": "at", "no_overlap": True}
    mapping = star(
        **{
            CUSTOMERS: dimension(
                "SELECT * FROM customers",
                {"customer_identification": None, "boss": None, "city": {"scd": 2}},
                **{
                    "history": history,
                    "special_members": UNKNOWN,
                    "durable_key": "customer_identification_of_all_versions",
                    "hierarchy": {"parent": "boss", "table": f"{CUSTOMERS}_tree"},
                    **more,
                },
            ),
            KINDS: {"junk": SALES, "key": "kind_key", "columns": {"kind": None}},
            SALES: fact(
                "SELECT * FROM sales",
                "sale_identification amount day",
                lookups={
                    "customer_key": {"dimension": CUSTOMERS, "on": "customer", "missing": "infer"},
                    "kind_key": {"dimension": KINDS},
                },
                partition={"by": "day", "every": "month"},
            ),
        }
    )
    by = {"kind": {"lookup": "kind_key"}}
    sums = {"amount": "sum(amount)"}
    return {**mapping, "aggregates": {MONTHS: {"fact": SALES, "by": by, "columns": sums}}}


def test_what_has_a_shortened_name_is_made_once_and_kept(stars):
    stars.source(SOURCE)
    mapping = regions()
    stars.run(mapping)
    made = stars.warehouse(OBJECTS)
    for _ in range(2):
        plan = stars.plan(mapping)
        assert not plan.schema
        changes = {step.title for step in plan.load if step.title.startswith(CHANGES)}
        assert changes <= {"add partitions"}  # which looks for what the rows need
        report = stars.run(mapping)
        assert "is not there" not in notices(report)
        assert stars.warehouse(OBJECTS) == made


@pytest.mark.parametrize("name", ["dim_user", "dim_customers_of_the_north_region_and"])
def test_the_index_over_present_versions_is_there_after_each_run(stars, name):
    stars.source(SOURCE)
    columns = {"customer_identification": None, "city": {"scd": 2}}
    history = {"effective": "at"}
    mapping = star(**{name: dimension("SELECT * FROM customers", columns, history=history)})
    partial = (
        "SELECT pg_get_expr(indpred, indrelid) FROM pg_index "
        f"WHERE indrelid = '{name}'::regclass AND indpred IS NOT NULL"
    )
    for number in range(4):
        if number:
            assert not stars.plan(mapping).schema
        report = stars.run(mapping)
        assert stars.column(partial) == ["is_current"]
        assert not notices(report)

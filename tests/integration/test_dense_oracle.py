"""Dense snapshots of whatever comes and goes: the warehouse holds what the oracle says, and counts so."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.database.source import Origin
from tests.conftest import examples
from tests.integration.stars import counts, dimension, fact, star, untouched
from tests.oracle.dense import UNKNOWN, Snapshot

MONTHS = 4
STRANGER = 5  # a good that the source never has
goods = st.sets(st.integers(1, 3))
stores = st.sets(st.integers(1, 2), min_size=1)
keys = st.tuples(st.integers(0, MONTHS), st.sampled_from((1, 2, 3, STRANGER)), st.integers(1, 2))
sent = st.dictionaries(keys, st.integers(-1, 2), max_size=12)
runs = st.lists(st.tuples(st.integers(0, 1), goods, stores, sent), min_size=4, max_size=4)

GOODS = dimension(
    "SELECT id FROM goods", "id", key="good_key", special_members={"unknown": {"key": UNKNOWN}}
)
GOODS["source"]["deletes"] = {"policy": "flag", "max": "100%"}
STAR = star(
    dim_good=GOODS,
    dim_store=dimension("SELECT id FROM stores", "id", key="store_key"),
    fact_sale=fact(
        "SELECT good, store, pieces FROM sales WHERE day >= period.start AND day < period.end",
        {"month": None, "pieces": {"measure": "additive"}},
        grain=["month", "good_key", "store_key"],
        load="snapshot",
        snapshot={
            "every": "month",
            "column": "month",
            "from": "2026-01-01",
            "dense": ["good_key", "store_key"],
        },
        lookups={
            "good_key": {"dimension": "dim_good", "on": "good"},
            "store_key": {"dimension": "dim_store", "on": "store", "missing": "fail"},
        },
        allow_empty=True,
        checks=[{"range": {"pieces": {"min": 0}}, "on_failure": "reject"}, {"row_count": "source"}],
    ),
)
HELD = """
SELECT extract(month FROM month)::int - 1, coalesce(g.id, -1), s.id, pieces
FROM fact_sale JOIN dim_good AS g USING (good_key) JOIN dim_store AS s USING (store_key)
"""


@pytest.fixture
def shop(stars, monkeypatch):
    monkeypatch.setattr(Origin, "today", property(lambda _: stars.today))
    stars.source(
        "CREATE TABLE goods (id int); CREATE TABLE stores (id int);"
        "CREATE TABLE sales (day date, good int, store int, pieces int);"
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC"
    )
    return stars


@settings(
    max_examples=examples(15),
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # a run of the engine is too slow to shrink by
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(runs)
def test_each_run_leaves_what_the_oracle_says(shop, runs):
    shop.warehouse("DROP TABLE IF EXISTS fact_sale, dim_good, dim_store")
    snapshot, present = Snapshot(), 0
    opened: set[int] = set()
    for later, goods, stores, sales in runs:
        present += later
        opened |= stores
        shop.today = date(2026, present + 1, 15)
        sold = {STRANGER, *snapshot.goods, *goods}
        known = {key: p for key, p in sales.items() if key[1] in sold and key[2] in opened}
        send(shop, goods, opened, known)
        report = shop.run(STAR)
        assert counts(report, "fact_sale") == snapshot.run(present, goods, opened, known)
        assert {(m, g, s): pieces for m, g, s, pieces in shop.warehouse(HELD)} == snapshot.rows
    if any(month == present for month, _, _ in snapshot.rows):  # else the one before is read again
        before = untouched(shop)
        shop.run(STAR)
        assert untouched(shop) == before, "a run with nothing new changes nothing"


def send(shop, goods, stores, sales):
    """Let the source have these rows and no others."""
    values = [f"('2026-{m + 1}-20', {g}, {s}, {pieces})" for (m, g, s), pieces in sales.items()]
    rows = {
        "goods": [f"({id_})" for id_ in goods],
        "stores": [f"({id_})" for id_ in stores],
        "sales": values,
    }
    inserts = (
        f"INSERT INTO {name} VALUES {', '.join(each)}" for name, each in rows.items() if each
    )
    shop.source("; ".join(("TRUNCATE goods, stores, sales", *inserts)))

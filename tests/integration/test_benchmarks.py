"""The benchmark itself: it measures every phase, proves each star, and writes down what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__, growth
from benchmarks.compare import TABLES, expected, found, told
from benchmarks.measure import measured
from benchmarks.servers import STAR, plain, programs
from benchmarks.where import PARTS
from tests.conftest import ROOT, Databases, query

PHASES = {"full", "changed", "nothing"}
SPOILT = {
    "dim_users": "UPDATE dim_users SET city = 'Nowhere' WHERE user_key = 1",
    "dim_products": "DELETE FROM dim_products WHERE product_key = -1",
    "dim_date": "UPDATE dim_date SET fiscal_quarter = 1 WHERE date = '2026-01-01'",
    "fact_orders": "UPDATE fact_orders SET user_key = -1 WHERE order_id = 1",
}


def test_a_round_without_peers_writes_figures_table_and_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path)
    __main__.main(["--scale", "0.001", "--rounds", "1", "--no-peers", "--results", folder])
    kept = json.loads((tmp_path / "results.json").read_text())["loads"]["0.001"]
    assert kept["orders"] == 1000
    assert kept["changes"] == 10
    assert list(kept["seconds"]) == ["engine", "by hand"]
    for who in kept["seconds"]:
        assert {
            phase: len(seconds) for phase, seconds in kept["seconds"][who].items()
        } == dict.fromkeys(PHASES, 1)
        assert all(
            seconds > 0 for of_phase in kept["seconds"][who].values() for seconds in of_phase
        )
        assert all(peak > 1e6 for of_phase in kept["peaks"][who].values() for peak in of_phase)
    for parts in kept["where"].values():
        assert set(parts) == set(PARTS)
        assert all(seconds >= 0 for seconds in parts.values())
        assert 0.1 < parts["start"] < sum(parts.values())
    page = (tmp_path / "RESULTS.md").read_text()
    assert "| full load, s " in page
    assert page in capsys.readouterr().out
    assert "<svg" in (tmp_path / "results.svg").read_text()


def test_growth_goes_through_its_scales_in_one_source(tmp_path: Path) -> None:
    words = [
        "--scales",
        "0.002",
        "0.001",
        "--rounds",
        "1",
        "--changes",
        "10",
        "--results",
        str(tmp_path),
    ]
    growth.main(words)
    kept = json.loads((tmp_path / "results.json").read_text())["growth"]
    assert list(kept["scales"]) == ["0.001", "0.002"]
    # Orders, users and products; those that the changes of the first scale brought are a few more.
    assert kept["scales"]["0.001"]["rows"] == 1110
    assert 2220 < kept["scales"]["0.002"]["rows"] < 2230
    assert "<svg" in (tmp_path / "growth.svg").read_text()


def test_a_benchmark_that_is_ended_leaves_no_servers_behind(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "benchmarks", "--scale", "0.001", "--no-peers"]
    with subprocess.Popen(
        [*command, "--results", str(tmp_path / "results")],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("round 1" in line for line in process.stderr)
        process.terminate()
        process.communicate()
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []


def test_a_star_that_is_not_what_plain_sql_makes_of_the_source_is_told(
    databases: Databases,
) -> None:
    source, warehouse = plain(databases.source_admin_url), plain(databases.warehouse_url)
    measured(
        [sys.executable, "-m", "engine", "run", STAR], programs() | databases.environment, ROOT
    )
    wanted = expected(source)
    assert told(wanted, found(warehouse, "public")) == ""
    assert set(SPOILT) == set(TABLES)
    for table, spoil in SPOILT.items():
        query(warehouse, spoil)
        assert table in told(wanted, found(warehouse, "public"))

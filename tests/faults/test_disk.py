"""A full disk, in the warehouse or under temporary files of the source: said, and nothing is half done."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from engine.database.embedded.account import account
from tests.conftest import Databases, query, query_outside
from tests.faults.conftest import source_of
from tests.faults.shop import change, content, loaded, past, run_here, wanted

# Only root may mount. A laptop's user may not; the CI is root, and refuses skipped tests.
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, to mount a small disk")
BALLAST = "ballast"
_numbers = count(1)


@contextmanager
def small_disk(size):
    """Give a file system of its own, of so many megabytes, that the servers may write to."""
    folder = Path(tempfile.mkdtemp(prefix="small-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", folder], check=True)
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def fill(disk, *, but):
    """Fill a disk, all but so many megabytes."""
    size = shutil.disk_usage(disk).free - but * 2**20
    with (disk / BALLAST).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


@contextmanager
def tablespace(server, disk):
    """Give the name of a tablespace on a disk."""
    name = f"small_{next(_numbers)}"
    place = disk / name
    place.mkdir(mode=0o700)
    account().take(place)
    query_outside(server, f"CREATE TABLESPACE {name} OWNER {server.user} LOCATION '{place}'")
    try:
        yield name
    finally:
        query_outside(server, f"DROP TABLESPACE {name}")


@pytest.fixture
def on_a_small_disk(shop, servers):
    """A warehouse on a disk of its own, and that disk."""
    name = f"disk_{next(_numbers)}"
    source, warehouse = replace(shop, database=name), servers.warehouse
    query_outside(source_of(shop), f"CREATE DATABASE {name} TEMPLATE {shop.database}")
    with small_disk(64) as disk, tablespace(warehouse, disk) as space:
        query_outside(
            warehouse, f"CREATE DATABASE {name} OWNER {warehouse.owner} TABLESPACE {space}"
        )
        yield Databases(source, replace(warehouse, database=name)), disk
        query_outside(warehouse, f"DROP DATABASE {name} WITH (FORCE)")
    query_outside(source_of(shop), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def databases(on_a_small_disk):
    return on_a_small_disk[0]


@pytest.mark.parametrize("known", [False, True])
def test_the_disk_of_the_warehouse_is_full(known, on_a_small_disk, engine, watch):
    databases, disk = on_a_small_disk
    run_here(databases)  # the ledger is there
    if not known:
        query(databases.warehouse_url, "DROP TABLE dim_date, dim_users, dim_products, fact_orders")
    change(databases, 1)
    before = content(databases)
    fill(disk, but=0)
    running = engine("--full-refresh")
    assert running.wait() == 1, running.errors
    last = running.errors.splitlines()[-1]
    assert "could not extend file" in last, last
    assert "No space left on device. Check free disk space" in last, last
    assert "attempt" not in running.errors
    assert watch.silent()
    assert content(databases) == before
    newest = past(databases)[0]
    # Where not even a row of the ledger finds room, the next run supposes that this one died.
    assert (newest.status, newest.error) in {("failed", last), ("died", None)}
    (disk / BALLAST).unlink()
    run_here(databases)
    assert past(databases)[0].status == "done"
    assert loaded(databases) == wanted(databases)


@pytest.mark.parametrize("limited", ["disk", "temp_file_limit"])
def test_the_disk_of_temporary_files_of_the_source_is_full(
    limited, on_a_small_disk, shop, engine, watch
):
    databases, _ = on_a_small_disk
    run_here(databases)
    query(databases.source_admin_url, "UPDATE orders SET total = total + 1")
    before, name = content(databases), databases.source.database
    sort = (
        "CREATE VIEW sorted AS SELECT * FROM orders ORDER BY md5(order_id::text), repeat('x', 900)"
    )
    query(
        databases.source_admin_url,
        f"{sort}; ALTER TABLE orders RENAME TO stored; ALTER VIEW sorted RENAME TO orders",
    )
    with small_disk(1) as disk, tablespace(shop, disk) as space:
        outside = source_of(shop)
        query_outside(outside, f"ALTER DATABASE {name} SET work_mem = '64kB'")
        said = "temporary file size exceeds"
        if limited == "disk":
            query_outside(outside, f"ALTER DATABASE {name} SET temp_tablespaces = '{space}'")
            said = "No space left on device"
        else:
            query_outside(outside, f"ALTER DATABASE {name} SET temp_file_limit = '512kB'")
        running = engine()
        assert running.wait() == 1, running.errors
        last = running.errors.splitlines()[-1]
        assert ": facts.fact_orders.source.query: copy failed: " in last, last
        assert said in last
        assert watch.silent()
        assert content(databases) == before
        assert [past(databases)[0].status, past(databases)[0].error] == ["failed", last]
        query_outside(outside, f"ALTER DATABASE {name} RESET ALL")
        run_here(databases)
    assert loaded(databases) == wanted(databases)

"""A source with enough in it, and fresh databases of it, as many as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from engine import retry
from engine.database.embedded import Embedded, Server, seed
from tests.conftest import SEED, Databases, query, query_outside
from tests.faults.process import Engine, Nursery
from tests.faults.shop import GROW, SHOP, Watch

_numbers = count(1)


def grown(server: Server) -> Server:
    """Make a database of the shop on a server, to be copied; nobody may stay connected to it."""
    query_outside(server, "CREATE DATABASE shop")
    shop = replace(server, database="shop")
    seed(shop, SEED)
    query(shop.admin_url(), GROW)
    # What autovacuum would do at a moment that nobody can foresee.
    query_outside(shop, "VACUUM (ANALYZE, PARALLEL 0)")
    return shop


@pytest.fixture(scope="session")
def shop(servers: Embedded) -> Server:
    return grown(servers.source)


@contextmanager
def fresh(shop: Server, warehouse: Server) -> Iterator[Databases]:
    """Give a copy of the shop and an empty warehouse, and drop them afterwards."""
    name = f"fault_{next(_numbers)}"
    source = replace(shop, database=name)
    query_outside(source_of(shop), f"CREATE DATABASE {name} TEMPLATE {shop.database}")
    query_outside(warehouse, f"CREATE DATABASE {name} OWNER {warehouse.owner}")
    try:
        yield Databases(source, replace(warehouse, database=name))
    finally:
        for server in (source_of(shop), warehouse):
            query_outside(server, f"DROP DATABASE {name} WITH (FORCE)")


def source_of(shop: Server) -> Server:
    """Return the server of the shop with another database than those to be made and dropped."""
    return replace(shop, database="postgres")


@pytest.fixture
def databases(shop: Server, servers: Embedded) -> Iterator[Databases]:
    """The grown shop and an empty warehouse."""
    with fresh(shop, servers.warehouse) as found:
        yield found


@pytest.fixture
def empty_warehouse(servers: Embedded) -> Callable[[Databases], None]:
    """Make the warehouse as fresh as it was."""

    def empty(databases: Databases) -> None:
        name = databases.warehouse.database
        query_outside(servers.warehouse, f"DROP DATABASE {name} WITH (FORCE)")
        query_outside(servers.warehouse, f"CREATE DATABASE {name} OWNER {servers.warehouse.owner}")

    return empty


@pytest.fixture
def watch(databases: Databases) -> Iterator[Watch]:
    """Who is at work in the databases."""
    with Watch(databases) as found:
        yield found


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run in this process wait a tenth as long before each further attempt."""
    monkeypatch.setattr(retry, "retrying", partial(retry.retrying, first_wait=0.05))


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.fixture
def engine(nursery: Nursery, databases: Databases) -> Iterator[Callable[..., Engine]]:
    """Start an engine on the databases: `engine(*arguments, mapping=…, SOURCE_URL=…)`."""
    with ExitStack() as stack:

        def start(*arguments: str, mapping: Path = SHOP, **variables: str) -> Engine:
            environment = databases.environment | variables
            started = Engine(nursery, environment, *arguments, mapping=mapping)
            return stack.enter_context(started)

        yield start

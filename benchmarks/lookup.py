"""Members looked up one by one and in batches, by Redis and by the warehouse in turn: `make bench-lookup`."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

import psycopg2

from benchmarks.data import USERS, generate, write
from benchmarks.servers import ROOT, execute, plain, say, servers
from engine.cache import Members
from engine.cache.settings import cache_settings
from engine.mapping.load import Loaded, load
from engine.run import Options, run
from engine.settings import settings_for
from tests.integration.redis_server import redis_server

BATCH = 100
SQL = "SELECT * FROM dim_users WHERE user_id = %s"
Look = Callable[[list[int]], None]


def main() -> None:
    """Load the users, look them up, and print how many of them there were in a second."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookup", description=__doc__)
    parser.add_argument("--scale", type=float, default=0.5, help="1: 100,000 users (default 0.5)")
    parser.add_argument("--lookups", type=int, default=2_000, help="in a turn (default 2000)")
    parser.add_argument("--rounds", type=int, default=5, help="the medians of so many (default 5)")
    options = parser.parse_args()
    with (
        servers() as embedded,
        tempfile.TemporaryDirectory() as folder,
        redis_server(Path(folder)) as redis,
    ):
        write(plain(embedded.source.owner_url()), (ROOT / "init/source/01-schema.sql").read_text())
        generate(plain(embedded.source.admin_url()), options.scale)
        urls = {"SOURCE_URL": embedded.source.url(), "WAREHOUSE_URL": embedded.warehouse.url()}
        loaded = load(ROOT / "mappings/star.yml")
        start = time.perf_counter()
        settings, cache = (
            settings_for(loaded.star.connections, urls),
            cache_settings(redis.environment),
        )
        report = run(loaded, settings, Options(("dim_users",)), cache=cache)
        published = time.perf_counter() - start - report.seconds
        say(f"loaded in {report.seconds:.1f} s, published in {published:.1f} s")
        execute(embedded.warehouse, "VACUUM ANALYZE")
        compare(
            loaded,
            urls,
            redis.environment,
            int(USERS * options.scale),
            options.lookups,
            options.rounds,
        )


def compare(
    loaded: Loaded,
    urls: dict[str, str],
    redis: dict[str, str],
    users: int,
    lookups: int,
    rounds: int,
) -> None:
    """Take turns, all with the same keys, and print the medians and their ratios to the warehouse."""
    with (
        Members(loaded, urls | redis) as cached,
        Members(loaded, urls) as uncached,
        closing(psycopg2.connect(plain(urls["WAREHOUSE_URL"]))) as connection,
    ):
        connection.autocommit = True
        turns: dict[str, Look] = {
            "one, warehouse": lambda keys: one(uncached, keys, "warehouse"),
            "one, cache": lambda keys: one(cached, keys, "cache"),
            "one, psycopg2 alone": lambda keys: plainly(connection, keys),
            f"{BATCH} at once, warehouse": lambda keys: many(uncached, keys, "warehouse"),
            f"{BATCH} at once, cache": lambda keys: many(cached, keys, "cache"),
        }
        found: dict[str, list[float]] = {name: [] for name in turns}
        for number in range(rounds):
            keys = random.Random(number).sample(range(1, users + 1), min(lookups, users))
            for name, turn in turns.items():
                start = time.perf_counter()
                turn(keys)
                found[name].append(len(keys) / (time.perf_counter() - start))
    print(f"members in a second, medians of {rounds}, and the ratio to the first of each kind")
    for name, rates in found.items():
        base = found[next(other for other in found if other.split(",")[0] == name.split(",")[0])]
        ratios = [rate / other for rate, other in zip(rates, base, strict=True)]
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{name:28}{median(rates):10,.0f} {median(ratios):8.2f} ({each})")


def one(members: Members, keys: list[int], by: str) -> None:
    """Look each up by itself, and see who answers."""
    for key in keys:
        found = members.find("dim_users", user_id=key)
        if found is None or found.by != by:
            raise SystemExit(f"user {key} was to be answered by the {by}: {found}")


def many(members: Members, keys: list[int], by: str) -> None:
    """Look up a hundred at a time."""
    for n in range(0, len(keys), BATCH):
        wanted = [{"user_id": key} for key in keys[n : n + BATCH]]
        found = members.find_many("dim_users", wanted)
        if any(member is None or member.by != by for member in found):
            raise SystemExit(f"a batch was to be answered by the {by}")


def plainly(connection: psycopg2.extensions.connection, keys: list[int]) -> None:
    """Do it without the engine: the least that a program would write."""
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute(SQL, (key,))
            cursor.fetchone()


if __name__ == "__main__":
    main()

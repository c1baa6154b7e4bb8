"""Redis in the stack: members after a run, nothing to be seen of its password, and no need of it."""

from __future__ import annotations

import json

from tests.compose.stack import assert_star_is_right, docker


def redis(of, *words):
    """Ask the Redis of the stack, with its password."""
    script = 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli "$@"'
    return of("exec", "--no-TTY", "redis", "sh", "-c", script, "sh", *words).strip()


def lookup(of, *words):
    """Look a user up without starting what the engine's service depends on."""
    job = ("run", "--rm", "--no-TTY", "--no-deps", "etl", "lookup", "dim_users", "user_id=42")
    output = of.try_(*job, "--json", *words)
    assert output.code == 0, output.text
    return json.loads(output.out), output.error


def test_members_are_in_redis_after_a_run(loaded):
    redis(loaded, "FLUSHALL")  # of what other tests left
    loaded.sql("source-db", "UPDATE users SET name = coalesce(name, '') || '.'")
    loaded.run()
    members = int(loaded.value("warehouse", "SELECT count(*) FROM dim_users WHERE user_id > 0"))
    assert int(redis(loaded, "DBSIZE")) == members + 1  # and the state
    found, said = lookup(loaded)
    assert "answered by the cache" in said
    name = loaded.value("warehouse", "SELECT name FROM dim_users WHERE user_id = 42")
    assert found["name"] == name


def test_only_who_knows_the_password_gets_in(loaded):
    assert "NOAUTH" in loaded("exec", "--no-TTY", "redis", "redis-cli", "DBSIZE")
    assert docker("port", loaded.container("redis")) == ""
    networks = loaded.inspect("redis")["NetworkSettings"]["Networks"]
    internal = [docker("network", "inspect", "--format", "{{.Internal}}", n) for n in networks]
    assert internal == ["true"]


def test_it_gives_way_when_it_is_full_and_writes_nothing(loaded):
    assert redis(loaded, "CONFIG", "GET", "maxmemory-policy").splitlines()[-1] == "allkeys-lru"
    assert redis(loaded, "CONFIG", "GET", "maxmemory").splitlines()[-1] == str(64 << 20)
    assert redis(loaded, "CONFIG", "GET", "save").splitlines()[1:] in ([], [""])


def test_redis_killed_and_the_run_succeeds(loaded):
    before, _ = lookup(loaded)
    loaded("kill", "redis")
    try:
        loaded.sql("source-db", "UPDATE users SET name = 'Killed' WHERE user_id = 42")
        run = ("run", "--rm", "--no-TTY", "--no-deps", "etl", "run", "mappings/star.yml")
        done = loaded.try_(*run)
        assert done.code == 0, done.text
        assert "note: dim_users: the cache was not brought up to date" in done.out
        assert_star_is_right(loaded)
        found, said = lookup(loaded)
        assert "answered by the warehouse" in said
        assert found == before | {"name": "Killed"}
    finally:
        loaded("up", "--detach", "--wait", "--no-deps", "redis")
    assert lookup(loaded)[0]["name"] == "Killed"


def test_a_redis_of_before_the_run_is_not_believed(loaded):
    """Paused, Redis keeps what it has; the run commits without it."""
    loaded.run("--full-refresh")
    lookup(loaded)
    container = loaded.container("redis")
    docker("pause", container)
    try:
        loaded.sql("source-db", "UPDATE users SET name = 'Paused' WHERE user_id = 42")
        run = ("run", "--rm", "--no-TTY", "--no-deps", "etl", "run", "mappings/star.yml")
        done = loaded.try_(*run)
        assert done.code == 0, done.text
        assert "Timeout" in done.out
    finally:
        docker("unpause", container)
    found, said = lookup(loaded)
    assert (found["name"], "answered by the warehouse" in said) == ("Paused", True)

"""What goes wrong, and what is said of it; and that the star stays whole."""

from __future__ import annotations

import pytest

from tests.compose.stack import Stack, add_orders, assert_star_is_right, docker, logs, until

QUICK = """
services:
  {service}:
    healthcheck: {{interval: 1s, retries: 2, start_period: 1s}}
"""


# Settings


def test_without_env_a_sentence_says_what_to_do(fresh):
    (fresh.folder / ".env").unlink()
    output = fresh.try_("up", "--detach")
    assert output.code != 0
    assert 'is there a .env? Run "make env", or copy .env.example to .env' in output.error
    assert fresh.container("source-db") == ""


def test_the_example_alone_stops_with_the_names_of_what_is_missing(fresh):
    (fresh.folder / ".env").write_text((fresh.folder / ".env.example").read_text())
    fresh.set(WAREHOUSE_PORT=fresh.port)
    assert fresh.try_("up", "--detach").code != 0
    said = fresh("logs")
    assert "SOURCE_ADMIN_PASSWORD is empty: give it in .env" in said
    # Nothing was made that would be there, half done, at the next start.
    fresh("down")
    assert (
        fresh("run", "--rm", "--entrypoint", "ls", "source-db", "-A", "/var/lib/postgresql/data")
        == ""
    )


@pytest.mark.parametrize("name", ["SOURCE_USER", "WAREHOUSE_DB", "WAREHOUSE_PASSWORD"])
def test_a_missing_variable_is_named(fresh, name):
    fresh.set(**{name: None})
    output = fresh.try_("up", "--detach")
    assert output.code != 0
    assert name in output.error


def test_make_env_keeps_what_is_given_and_fills_in_the_rest(fresh):
    fresh.set(SOURCE_PASSWORD="mine", PGADMIN_PASSWORD="", SOURCE_DB="other")
    before = fresh.settings
    fresh.make_env()
    after = fresh.settings
    assert (after["SOURCE_PASSWORD"], after["SOURCE_DB"]) == ("mine", "other")
    assert len(after["PGADMIN_PASSWORD"]) == 48
    assert after["WAREHOUSE_PASSWORD"] == before["WAREHOUSE_PASSWORD"]
    assert (fresh.folder / ".env").stat().st_mode & 0o077 == 0


# Databases


@pytest.mark.parametrize(("prefix", "user"), [("SOURCE", "engine_reader"), ("WAREHOUSE", "engine")])
def test_a_wrong_password_is_said_at_once_and_which(loaded, prefix, user):
    right = loaded.settings[f"{prefix}_PASSWORD"]
    loaded.set(**{f"{prefix}_PASSWORD": "not-the-right-one"})
    try:
        output = loaded.engine("run", "mappings/star.yml")
    finally:
        loaded.set(**{f"{prefix}_PASSWORD": right})
    assert output.code == 1
    assert f"cannot connect to {prefix} {user}@" in output.error
    assert f'password authentication failed for user "{user}"' in output.error
    assert "not-the-right-one" not in output.text
    assert right not in output.text
    assert "next attempt" not in output.error


@pytest.mark.parametrize("service", ["source-db", "warehouse"])
def test_a_first_start_that_was_interrupted_is_unhealthy_and_says_so(fresh, service):
    (fresh.folder / "quick.yml").write_text(QUICK.format(service=service))
    fresh.files.append("quick.yml")
    fresh("up", "--detach", service)
    until("healthy", lambda: fresh.inspect(service)["State"]["Health"]["Status"] == "healthy")
    fresh("exec", "--no-TTY", service, "rm", "/var/lib/postgresql/data/filled")
    until("unhealthy", lambda: fresh.inspect(service)["State"]["Health"]["Status"] == "unhealthy")
    output = fresh.try_("up", "--detach")
    assert output.code != 0
    assert f"{service}-1 is unhealthy" in output.error
    log = fresh.inspect(service)["State"]["Health"]["Log"]
    assert "begin anew: docker compose down --volumes" in log[-1]["Output"]
    assert fresh.inspect("etl")["State"]["Status"] == "created"


# In the middle of a run


def blocked(stack: Stack) -> str:
    """Begin a run that stops in the middle, since somebody has locked the fact; return its container."""
    lock = "BEGIN; LOCK TABLE fact_orders IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)"
    begin = ("exec", "--detach", "warehouse", "psql", "-U", "postgres", "-d", "warehouse")
    stack(*begin, "--command", lock)
    sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    until("the lock", lambda: stack.sql("warehouse", sleeping))
    container = stack.begin("run", "mappings/star.yml")
    waiting = "SELECT FROM pg_stat_activity WHERE usename = 'engine' AND wait_event_type = 'Lock'"
    until("a run that waits", lambda: stack.value("warehouse", f"SELECT EXISTS ({waiting})") == "t")
    return container


def release(stack: Stack) -> None:
    stack.sql(
        "warehouse",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
    )


def orders(stack: Stack) -> int:
    return int(stack.value("warehouse", "SELECT count(*) FROM fact_orders"))


def last_run(stack: Stack) -> tuple[str, ...]:
    (row,) = stack.sql(
        "warehouse", "SELECT status, attempt FROM engine.run ORDER BY started_at DESC LIMIT 1"
    )
    return row


@pytest.fixture
def behind(loaded):
    """A star that lacks the newest orders: the stack, and how many are loaded. Right again at the end."""
    loaded.run()
    before = orders(loaded)
    add_orders(loaded, 5000)
    yield loaded, before
    loaded.run()
    assert_star_is_right(loaded)


def test_a_warehouse_that_is_killed_and_comes_back_costs_an_attempt(behind):
    loaded, before = behind
    container = blocked(loaded)
    docker("kill", loaded.container("warehouse"))
    until("a failed attempt", lambda: "next attempt in" in logs(container))
    docker("start", loaded.container("warehouse"))
    assert docker("wait", container) == "0", logs(container)
    assert orders(loaded) == before + 5000
    assert last_run(loaded)[0] == "done"
    assert int(last_run(loaded)[1]) > 1
    assert_star_is_right(loaded)


def test_a_source_that_is_killed_and_comes_back_costs_an_attempt(behind):
    loaded, before = behind
    container = blocked(loaded)
    docker("kill", loaded.container("source-db"))
    release(loaded)
    # The second attempt finds that the source has not even a name any more.
    until("two failed attempts", lambda: logs(container).count("next attempt in") > 1)
    docker("start", loaded.container("source-db"))
    assert docker("wait", container) == "0", logs(container)
    assert orders(loaded) == before + 5000


def test_a_source_that_was_not_there_from_the_beginning_is_said_at_once(behind):
    loaded, before = behind
    docker("kill", loaded.container("source-db"))
    container = loaded.begin("run", "mappings/star.yml")
    try:
        assert docker("wait", container) == "1"
    finally:
        loaded("up", "--detach", "--wait", "source-db")
    assert "cannot connect to SOURCE engine_reader@source-db:5432/shop" in logs(container)
    assert "next attempt in" not in logs(container)
    assert orders(loaded) == before


def test_an_engine_that_is_killed_leaves_the_star_as_it_was(behind):
    loaded, before = behind
    container = blocked(loaded)
    docker("kill", container)
    assert docker("wait", container) == "137"
    release(loaded)
    assert orders(loaded) == before
    loaded.run()
    assert orders(loaded) == before + 5000
    assert "died" in {
        status for (status,) in loaded.sql("warehouse", "SELECT status FROM engine.run")
    }


def test_sigterm_rolls_back_and_says_so(behind):
    loaded, before = behind
    container = blocked(loaded)
    docker("stop", container)
    assert docker("wait", container) == "130"  # 137, if it had to be killed
    assert "interrupted: nothing was published" in logs(container)
    release(loaded)
    assert orders(loaded) == before
    assert last_run(loaded)[0] == "failed"


def test_a_second_run_says_who_holds_the_lock(behind):
    loaded, _ = behind
    container = blocked(loaded)
    output = loaded.engine("run", "mappings/star.yml")
    release(loaded)
    assert output.code == 4
    assert "is being run already" in output.error
    assert docker("wait", container) == "0"

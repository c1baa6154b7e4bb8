"""A password is in nothing that the engine writes: output, log, report, plan, error, ledger, process list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Databases, query
from tests.integration.stars import STAR, dimension, star

SECRET = "s3cr3t-Pässword/%40:x"
ROLE = "engine_with_a_secret"


@pytest.fixture
def secret(databases: Databases, tmp_path: Path):
    """Settings of roles whose password is unmistakable, in files as an orchestrator writes them."""
    settings = {}
    for prefix, server, group in (
        ("SOURCE", databases.source, "pg_read_all_data, pg_read_all_stats"),
        ("WAREHOUSE", databases.warehouse, databases.warehouse.owner),
    ):
        admin = server.admin_url()
        query(
            admin,
            f"DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$; "
            f"ALTER ROLE {ROLE} PASSWORD '{SECRET}'; GRANT {group} TO {ROLE}",
        )
        file = tmp_path / f"{prefix.lower()}-password"
        file.write_text(f"{SECRET}\n", encoding="utf-8")
        settings |= {
            f"{prefix}_URL": "",
            f"{prefix}_HOST": server.host,
            f"{prefix}_PORT": str(server.port),
            f"{prefix}_DB": server.database,
            f"{prefix}_USER": ROLE,
            f"{prefix}_PASSWORD_FILE": str(file),
        }
    return settings


def assert_nowhere(*texts: str) -> None:
    for form in (SECRET, repr(SECRET)[1:-1], "s3cr3t", "P%C3%A4ssword"):
        for text in texts:
            assert form not in text


def everything_in_the_ledger(databases: Databases) -> str:
    url = databases.warehouse_admin_url
    names = query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'engine'")
    assert {("run",), ("step",), ("watermark",)} <= set(names)
    return "\n".join(
        str(query(url, f"SELECT t::text FROM engine.{name} AS t")) for (name,) in names
    )


def test_runs_plans_and_failures_never_show_a_password(stars, secret):
    broken = star(dim_broken=dimension("SELECT 1 / (user_id - user_id) AS id, name FROM users"))
    wrong = {**secret, "SOURCE_PASSWORD_FILE": "", "SOURCE_PASSWORD": SECRET + "-not"}
    cases = [
        (0, ("--log-level", "debug", "run", STAR, "--report", "json"), secret),
        (0, ("--log-level", "debug", "--log-format", "text", "run", STAR), secret),
        (0, ("plan", STAR, "--sql"), secret),
        (0, ("validate", STAR, "--connect"), secret),
        (0, ("history", "--report", "json"), secret),
        (1, ("--log-level", "debug", "run", stars.write(broken)), secret),
        (1, ("--log-level", "debug", "run", STAR), wrong),
        (1, ("validate", STAR, "--connect"), {**secret, "SOURCE_PORT": "1"}),
    ]
    for code, arguments, environment in cases:
        done = stars.engine(*arguments, environment=environment)
        assert done.returncode == code, done.stderr
        assert done.stdout + done.stderr
        assert_nowhere(done.stdout, done.stderr)
    ledger = everything_in_the_ledger(stars.databases)
    assert "division by zero" in ledger
    assert_nowhere(ledger)


def test_a_password_that_a_database_itself_shows_is_hidden(stars, secret):
    """As a foreign server or a function may do in its errors, in whatever form they got it."""
    quoted = SECRET.replace("/", "%2F").replace("%40", "%2540")
    said = f"no connection to postgresql://it:{quoted}@elsewhere, password={SECRET}, tried {SECRET}"
    stars.source(
        "CREATE FUNCTION remote() RETURNS TABLE (id integer, name text) LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '%', $_${said}$_$ USING detail = $_${said}$_$; END $$"
    )
    mapping = stars.write(star(dim_broken=dimension("SELECT id, name FROM remote()")))
    for form in ("json", "text"):
        log = ("--log-level", "debug", "--log-format", form)
        done = stars.engine(*log, "run", mapping, "--report", "json", environment=secret)
        assert done.returncode == 1
        assert "elsewhere" in done.stdout
        assert "elsewhere" in done.stderr
        assert_nowhere(done.stdout, done.stderr)
    ledger = everything_in_the_ledger(stars.databases)
    assert "elsewhere" in ledger
    history = stars.engine("history", "--report", "json", environment=secret)
    assert "elsewhere" in history.stdout
    assert_nowhere(ledger, history.stdout)


def test_a_password_in_a_url_is_hidden_like_one_in_a_file(stars, databases):
    password = databases.source_url.split(":")[2].split("@")[0]
    for arguments in (("--log-level", "debug", "run", STAR), ("run", STAR, "--select", "nothing")):
        done = stars.engine(*arguments)
        assert password not in done.stdout + done.stderr
    unusable = databases.source_url.replace("postgresql+psycopg2", "mysql")
    done = stars.engine("run", STAR, environment={"SOURCE_URL": unusable})
    assert done.returncode == 2
    assert "SOURCE_URL" in done.stderr
    assert password not in done.stderr


def test_a_password_that_is_refused_is_told_with_its_variable(stars, secret):
    url = re.sub(r":[^:@]*@", ":wrong@", stars.databases.source_url)
    wrong = {**secret, "SOURCE_PASSWORD_FILE": "", "SOURCE_PASSWORD": SECRET + "-not"}
    for environment, variable in (({"SOURCE_URL": url}, "SOURCE_URL"), (wrong, "SOURCE_PASSWORD")):
        done = stars.engine("validate", STAR, "--connect", environment=environment)
        assert done.returncode == 1
        assert "password authentication failed" in done.stderr
        assert f"(the password is from {variable})\n" in done.stderr


def test_a_password_that_is_missing_is_told_with_the_variables_for_it(stars):
    for name in ("source", "warehouse"):
        prefix, url = name.upper(), getattr(stars.databases, f"{name}_url")
        bare = {f"{prefix}_URL": re.sub(r":[^:@]*@", "@", url)}
        done = stars.engine(
            "validate", STAR, "--connect", environment={**bare, "PGPASSFILE": "nowhere"}
        )
        assert done.returncode == 1
        said = f"no password supplied (set {prefix}_PASSWORD or {prefix}_PASSWORD_FILE)\n"
        assert said in done.stderr


def test_neither_process_list_nor_session_list_shows_a_password(stars, secret):
    slow = star(dim_slow=dimension("SELECT 1 AS id, 'x' || pg_sleep(1) AS name"))
    running = stars.start("run", stars.write(slow), environment=secret)
    try:
        while not (
            sessions := query(
                stars.databases.source_admin_url,
                "SELECT application_name, query FROM pg_stat_activity WHERE query LIKE 'copy%pg_sleep%'",
            )
        ):
            assert running.poll() is None, running.communicate()
        command = Path(f"/proc/{running.pid}/cmdline")
        assert_nowhere(str(sessions), command.read_text() if command.exists() else "")
    finally:
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert_nowhere(out, err)

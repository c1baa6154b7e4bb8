"""The stack as it stands after `docker compose up`: what is in it, who may what, and what it takes."""

from __future__ import annotations

import json
import re

import pytest

from tests.compose.stack import ROOT, add_orders, assert_star_is_right, docker, listens, until

DATABASES = ("source-db", "warehouse")
SERVERS = (*DATABASES, "redis")
SERVICES = (*SERVERS, "etl")
# What the first process of each service may write, beside what is not on a disk. What is in /etc is Debian's.
WRITABLE = {
    "source-db": {
        "/var/lib/postgresql",
        "/run/postgresql",
        "/var/run/postgresql",
        "/etc/postgresql",
    },
    "warehouse": {
        "/var/lib/postgresql",
        "/run/postgresql",
        "/var/run/postgresql",
        "/etc/postgresql",
    },
    "redis": {"/data", "/etc/redis"},
    "etl": {"/app/logs"},
}
FREE = {"/tmp", "/var/tmp", "/run/lock", "/var/lock", "/dev", "/proc", "/sys"}


def test_the_star_is_what_plain_sql_on_the_source_says(loaded):
    assert_star_is_right(loaded)


def test_a_second_run_loads_nothing(loaded):
    loaded.run()
    entries = loaded.run()["entries"]
    assert len(entries) == 4
    assert all(entry["inserted"] == entry["updated"] == 0 for entry in entries)


def test_new_orders_arrive_and_only_those(loaded):
    loaded.run()
    add_orders(loaded, 7)
    inserted = {entry["name"]: entry["inserted"] for entry in loaded.run()["entries"]}
    assert inserted == {"dim_date": 0, "dim_users": 0, "dim_products": 0, "fact_orders": 7}
    assert_star_is_right(loaded)


@pytest.mark.parametrize("service", SERVERS)
def test_what_stays_up_is_healthy(loaded, service):
    assert loaded.inspect(service)["State"]["Health"]["Status"] == "healthy"
    loaded("exec", "--no-TTY", service, "/opt/stack/healthy")


def test_a_database_that_answers_on_its_socket_alone_is_not_healthy(loaded):
    asked = ("exec", "--no-TTY", "--env", "PGPORT=5433", "warehouse")
    script = "exec postgres -D /tmp/socket -c listen_addresses= >/dev/null 2>&1"
    loaded(*asked, "sh", "-c", "initdb -D /tmp/socket >/dev/null")
    loaded("exec", "--detach", "--env", "PGPORT=5433", "warehouse", "sh", "-c", script)
    try:
        until("the socket", lambda: loaded.try_(*asked, "pg_isready").code == 0)
        assert loaded.try_(*asked, "/opt/stack/healthy").code != 0
    finally:
        loaded(*asked, "sh", "-c", "pg_ctl -D /tmp/socket -m immediate stop; rm -r /tmp/socket")


def test_the_host_reaches_the_warehouse_and_only_at_its_own_address(loaded):
    port = int(loaded.settings["WAREHOUSE_PORT"])
    assert docker("port", loaded.container("warehouse")) == f"5432/tcp -> 127.0.0.1:{port}"
    assert listens(port)


def test_the_host_has_no_port_of_the_source(loaded):
    assert docker("port", loaded.container("source-db")) == ""
    assert not loaded.inspect("source-db")["HostConfig"]["PortBindings"]
    networks = loaded.inspect("source-db")["NetworkSettings"]["Networks"]
    assert [docker("network", "inspect", "--format", "{{.Internal}}", n) for n in networks] == [
        "true"
    ]
    # The warehouse's network does not lead there either; only the engine stands in both.
    asked = ("exec", "--no-TTY", "warehouse", "pg_isready", "--timeout", "3", "--host", "source-db")
    assert loaded.try_(*asked).code != 0


LIMITS = {  # CPUs, memory in MiB, processes
    "source-db": (1, 512, 100),
    "warehouse": (2, 1024, 100),
    "redis": (0.5, 128, 50),
    "etl": (1, 256, 64),
}


@pytest.mark.parametrize("service", SERVICES)
def test_limits_are_in_force(loaded, service):
    host = loaded.inspect(service)["HostConfig"]
    cpus, memory, pids = LIMITS[service]
    assert host["NanoCpus"] == cpus * 10**9
    assert host["Memory"] == memory * 2**20
    assert host["PidsLimit"] == pids
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10m", "max-file": "3"},
    }


@pytest.mark.parametrize("service", SERVERS)
def test_the_kernel_enforces_the_limits(loaded, service):
    script = (
        "cd /sys/fs/cgroup; cat memory.max 2>/dev/null || cat memory/memory.limit_in_bytes;"
        "cat pids.max 2>/dev/null || cat pids/pids.max;"
        "cat cpu.max 2>/dev/null || echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us)"
    )
    memory, pids, cpu = loaded("exec", "--no-TTY", service, "sh", "-c", script).splitlines()
    quota, period = map(int, cpu.split())
    assert (quota / period, int(memory) / 2**20, int(pids)) == LIMITS[service]


def test_a_job_that_takes_more_memory_than_it_may_is_killed(loaded):
    words = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "python", "etl")
    assert loaded.try_(*words, "-c", "print(len(bytearray(64 << 20)))").out == f"{64 << 20}\n"
    assert loaded.try_(*words, "-c", "print(len(bytearray(512 << 20)))").code == 137


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_confined(loaded, service):
    known = loaded.inspect(service)
    assert known["HostConfig"]["CapDrop"] == ["ALL"]
    assert known["HostConfig"]["CapAdd"] is None
    assert known["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert not known["HostConfig"]["Privileged"]
    assert known["Config"]["User"] not in ("", "0", "root")


@pytest.mark.parametrize("service", SERVICES)
def test_no_process_can_change_a_program(loaded, service):
    script = (
        "id -u; grep CapEff /proc/self/status;"
        "find / -xdev -writable ! -type l 2>/dev/null; find / -xdev -user $(id -u) 2>/dev/null"
    )
    if service == "etl":
        words = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "sh", "etl", "-c", script)
    else:
        words = ("exec", "--no-TTY", service, "sh", "-c", script)
    user, capabilities, *paths = loaded.try_(*words).out.splitlines()
    assert int(user) != 0
    assert int(capabilities.split()[1], 16) == 0
    allowed = FREE | WRITABLE[service]
    beyond = [
        path
        for path in paths
        if not any(path == each or path.startswith(f"{each}/") for each in allowed)
    ]
    assert beyond == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_grace_period_and_a_signal_are_set(loaded, service):
    config = loaded.inspect(service)["Config"]
    assert config["StopTimeout"] == {"etl": 30, "redis": 10}.get(service, 60)
    assert service not in DATABASES or config["StopSignal"] == "SIGINT"


# Secrets


def spoken(loaded):
    """Return everything that the stack says or shows of itself, by its name."""
    loaded.run("--full-refresh")
    every = {"logs": loaded("--profile", "*", "logs"), "ps": loaded("ps", "--all")}
    every["config"] = loaded("--profile", "*", "config")
    for service in SERVICES:
        every[f"inspect {service}"] = json.dumps(loaded.inspect(service))
    for service in SERVERS:
        every[f"top {service}"] = loaded("top", service)
    image = loaded.inspect("etl")["Image"]
    every["history"] = docker("history", "--no-trunc", "--format", "{{json .}}", image)
    every["image"] = docker("image", "inspect", image)
    every["plan"] = loaded.engine("plan", "mappings/star.yml", "--sql").text
    for table in ("run", "step", "check_result", "reject"):
        every[table] = str(loaded.sql("warehouse", f"SELECT * FROM engine.{table}"))
    return every


def test_no_password_is_shown_anywhere(loaded):
    every = spoken(loaded)
    passwords = loaded.passwords
    assert len(passwords) == 6
    assert all(len(password) >= 32 for password in passwords.values())
    assert len(set(passwords.values())) == 6
    for place, text in every.items():
        assert text, place
        for name, password in passwords.items():
            assert password not in text, f"{name} is in {place}"


def test_passwords_reach_the_containers_as_files(loaded):
    wanted = {
        "source-db": {"source_admin_password", "source_password"},
        "warehouse": {"warehouse_admin_password", "warehouse_password"},
        "redis": {"redis_password"},
    }
    for service, names in wanted.items():
        script = "cd /run/secrets && for name in *; do echo $name $(cat $name); done"
        lines = loaded("exec", "--no-TTY", service, "sh", "-c", script).splitlines()
        found = dict(line.split(" ", 1) for line in lines)
        assert found == {name: loaded.settings[name.upper()] for name in names}


def test_no_password_is_in_a_file_of_the_repository():
    text = {name: (ROOT / name).read_text() for name in ("Dockerfile", ".env.example")}
    text |= {file.name: file.read_text() for file in ROOT.glob("docker-compose*.yml")}
    text |= {file.name: file.read_text() for file in (ROOT / "docker").rglob("*") if file.is_file()}
    assert {"docker-compose.yml", "start", "make-env"} <= set(text)
    for name, content in text.items():
        given = re.findall(r"^ *\w*PASSWORD\w*[:=][ \t]*(\S+)", content, re.MULTILINE)
        assert all(value.startswith("/run/secrets/") for value in given), (name, given)


# Roles


def attributes(loaded, service, role):
    (found,) = loaded.sql(
        service,
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
        f" WHERE rolname = '{role}'",
    )
    return found


@pytest.mark.parametrize(
    ("service", "role"), [("source-db", "engine_reader"), ("warehouse", "engine")]
)
def test_the_engine_is_no_superuser(loaded, service, role):
    assert attributes(loaded, service, role) == ("f",) * 5


def as_engine(loaded, service, statement):
    """Run SQL by the engine's own role and password, over the network."""
    user = {"source-db": "engine_reader", "warehouse": "engine"}[service]
    secret = {"source-db": "source_password", "warehouse": "warehouse_password"}[service]
    script = (
        f"PGPASSWORD=$(cat /run/secrets/{secret}) psql --host $(hostname -i) --username {user}"
        ' --dbname "$POSTGRES_DB" --no-psqlrc --tuples-only --no-align --command "$0"'
    )
    return loaded.try_("exec", "--no-TTY", service, "sh", "-c", script, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO products (name) VALUES ('x')",
        "UPDATE orders SET quantity = 2",
        "DELETE FROM users",
        "TRUNCATE orders",
        "DROP TABLE orders",
        "CREATE TABLE mine ()",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine ()",
        "COPY orders TO PROGRAM 'cat'",
    ],
)
def test_the_role_on_the_source_can_only_read(loaded, statement):
    assert as_engine(loaded, "source-db", "SELECT count(*) > 700 FROM orders").out == "t\n"
    refused = as_engine(loaded, "source-db", f"SET transaction_read_only = off; {statement}")
    assert refused.code != 0
    assert "permission denied" in refused.error or "must be owner" in refused.error


def test_the_role_on_the_warehouse_owns_the_star_and_the_ledger_and_nothing_else(loaded):
    assert as_engine(loaded, "warehouse", "SELECT count(*) > 700 FROM fact_orders").out == "t\n"
    owned = loaded.sql(
        "warehouse",
        "SELECT DISTINCT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = 'engine' AND nspname !~ '^pg_'",
    )
    assert {schema for (schema,) in owned} - {"engine_stage"} == {"public", "engine"}
    owners = loaded.sql(
        "warehouse", "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    )
    assert owners == [("engine",)]
    for statement in (
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "ALTER DATABASE warehouse SET jit = off",
    ):
        assert as_engine(loaded, "warehouse", statement).code != 0


# The engine's own commands


def test_the_commands_of_the_engine(loaded):
    assert "3 dimensions, 1 fact" in loaded.engine("validate", "mappings/star.yml").out
    assert "3 dimensions, 1 fact" in loaded.engine("validate", "mappings/star.yml", "--connect").out
    assert "stages" in loaded.engine("plan", "mappings/star.yml").out
    assert "checks passed" in loaded.engine("run", "mappings/star.yml").out
    assert "done" in loaded.engine("history").out


def test_editing_the_mapping_needs_no_rebuild(loaded):
    mapping = loaded.folder / "mappings/star.yml"
    before, image = mapping.read_text(), loaded.inspect("etl")["Image"]
    assert before.count("natural_key: user_id\n") == 1
    mapping.write_text(before.replace("natural_key: user_id\n", "natural_keys: user_id\n"))
    try:
        wrong = loaded.engine("validate", "mappings/star.yml")
    finally:
        mapping.write_text(before)
    assert wrong.code == 2
    assert "unknown key 'natural_keys'" in wrong.error
    assert loaded.inspect("etl")["Image"] == image


def test_logs_are_json_and_a_file_gets_them_too(loaded):
    lines = loaded.engine("run", "mappings/star.yml").error.splitlines()
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    assert logged[-1]["message"] == "run done"
    assert {"timestamp", "level", "message", "run_id", "mapping"} <= set(logged[-1])
    loaded.try_(
        "run", "--rm", "--env", "LOG_FILE=logs/engine.log", "etl", "run", "mappings/star.yml"
    )
    words = ("run", "--rm", "--no-TTY", "--entrypoint", "cat", "etl", "logs/engine.log")
    (last,) = loaded.try_(*words).out.splitlines()[-1:]
    assert json.loads(last)["message"] == "run done"


def test_the_log_file_begins_anew_at_10_mb(loaded):
    shell = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "sh", "etl", "-c")
    assert loaded.try_(*shell, "head -c 10000000 /dev/zero > logs/long.log").code == 0
    words = ("--no-TTY", "--env", "LOG_FILE=logs/long.log", "etl", "run", "mappings/star.yml")
    assert loaded.try_("run", "--rm", *words).code == 0
    sizes = loaded.try_(*shell, "stat -c %s logs/long.log logs/long.log.1").out.split()
    assert 0 < int(sizes[0]) < 1_000_000
    assert int(sizes[1]) == 10_000_000

"""What holds for every service of docker-compose.yml, in every profile; a new one is covered at once."""

from __future__ import annotations

import json

import pytest

from tests.compose.stack import call, docker, until

# The only services with a port on the host, and only for this machine.
PORTS = {"warehouse": ("127.0.0.1", "5432"), "pgadmin": ("127.0.0.1", "8080")}
# The interpreter of pgAdmin's image carries this one, and does not start without it.
CAPABILITIES = {"pgadmin": ["NET_BIND_SERVICE"]}
EVERY = ("--profile", "*")


@pytest.fixture(scope="module")
def services():
    """All services as Compose understands them, by their names, with no settings but the needed."""
    given = {f"{side}_{word}": "x" for side in ("SOURCE", "WAREHOUSE") for word in ("DB", "USER")}
    words = ("docker", "compose", "--env-file", "/dev/null", *EVERY, "config", "--format", "json")
    output = call(*words, env=given)
    assert output.code == 0, output.text
    found = json.loads(output.out)["services"]
    assert {"source-db", "warehouse", "etl", "pgadmin"} <= set(found)
    return found


def test_every_service_has_limits(services):
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert float(limits["cpus"]) > 0, name
        assert int(limits["memory"]) > 0, name
        assert int(limits["pids"]) > 0, name


def test_every_service_is_confined(services):
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == CAPABILITIES.get(name, []), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name


def test_every_service_rotates_its_log_and_has_a_grace_period(services):
    for name, service in services.items():
        log = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
        assert service["logging"] == log, name
        assert service["stop_grace_period"], name


def test_every_service_that_stays_up_has_a_health_check(services):
    staying = {name for name, service in services.items() if service.get("restart")}
    assert staying == set(services) - {"etl"}
    for name in staying:
        assert services[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_every_service_waits_for_healthy_databases(services):
    for name, service in services.items():
        conditions = {one["condition"] for one in service.get("depends_on", {}).values()}
        assert conditions <= {"service_healthy"}, name


def test_only_the_warehouse_and_pgadmin_have_a_port_on_the_host(services):
    ports = {
        name: (port["host_ip"], port["published"])
        for name, service in services.items()
        for port in service.get("ports", ())
    }
    assert ports == PORTS


def test_every_password_is_a_file(services):
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            if "PASSWORD" in variable:
                assert value.startswith("/run/secrets/"), (name, variable)
                assert variable.endswith("_FILE"), (name, variable)


def test_with_all_profiles_all_are_healthy_within_their_limits_and_show_no_password(
    fresh, services
):
    fresh(*EVERY, "up", "--detach")
    for name, service in services.items():
        if service.get("restart"):

            def health(name=name):
                return fresh.inspect(name)["State"]["Health"]["Status"]

            until(f"{name} is healthy", lambda: health() == "healthy")
        known = fresh.inspect(name)
        limits = service["deploy"]["resources"]["limits"]
        host = known["HostConfig"]
        assert host["NanoCpus"] == float(limits["cpus"]) * 10**9, name
        assert host["Memory"] == int(limits["memory"]), name
        assert host["PidsLimit"] == limits["pids"], name
        shown = json.dumps(known) + docker("history", "--no-trunc", known["Image"])
        assert [key for key, value in fresh.passwords.items() if value in shown] == [], name

"""Tests inside the stack: docker-compose.test.yml runs them, beside the two databases of its containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.mapping.model import Connection
from engine.settings import settings_for

HERE = Path(__file__).parent
ADMIN = Path("/run/secrets/source_admin_password")
Row = tuple[Any, ...]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: elsewhere than in the stack it is left out."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("stack")


def arguments(prefix: str) -> dict[str, Any]:
    """Return what psycopg2 takes to connect where the variables of this prefix say."""
    return settings_for([Connection("it", prefix)], os.environ)["it"].connect_args()


def rows(given: dict[str, Any], sql: str) -> list[Row]:
    connection = psycopg2.connect(**given)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.fixture
def source() -> Callable[[str], list[Row]]:
    """Run SQL in the source, as the engine's role."""
    return lambda sql: rows(arguments("SOURCE"), sql)


@pytest.fixture
def shop() -> Callable[[str], list[Row]]:
    """Run SQL in the source as its superuser: as the shop, which writes."""
    password = {"user": "postgres", "password": ADMIN.read_text().rstrip("\n")}
    return lambda sql: rows(arguments("SOURCE") | password, sql)


@pytest.fixture
def warehouse() -> Callable[[str], list[Row]]:
    """Run SQL in the warehouse, as the engine's role."""
    return lambda sql: rows(arguments("WAREHOUSE"), sql)


@pytest.fixture
def run() -> Callable[[], dict[str, Any]]:
    """Load the star, and return what was inserted, updated and so on, by dimension and fact."""

    def load() -> dict[str, Any]:
        words = (sys.executable, "-m", "engine", "run", "mappings/star.yml", "--report", "json")
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return {entry["name"]: entry for entry in json.loads(done.stdout)["entries"]}

    return load

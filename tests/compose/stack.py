"""A stack of its own for a test: a copy of the project's files, a name, ports, and no trace at the end."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
# All that the stack is made of; the tests change their copy as they like.
FILES = (
    ".dockerignore",
    ".env.example",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "constraints.txt",
    "docker",
    "docker-compose.yml",
    "engine",
    "init",
    "mappings",
    "pyproject.toml",
    "setup.cfg",
)
PATIENCE = 300  # seconds, for anything that is waited for
T = TypeVar("T")
_numbers = count(1)


@dataclass(frozen=True)
class Output:
    """What a command has said, and its exit code."""

    code: int
    out: str
    error: str

    @property
    def text(self) -> str:
        return self.out + self.error


def call(*words: str, folder: Path = ROOT, env: dict[str, str] | None = None) -> Output:
    """Run a command; only what `env` gives and what a command needs is in its environment."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ
    }
    done = subprocess.run(
        words,
        check=False,
        cwd=folder,
        env=kept | (env or {}),
        capture_output=True,
        text=True,
        timeout=600,
    )
    return Output(done.returncode, done.stdout, done.stderr)


def docker(*words: str) -> str:
    """Run docker and return what it prints; an AssertionError says why it failed."""
    output = call("docker", *words)
    assert output.code == 0, output.text
    return output.out.strip()


def logs(container: str) -> str:
    """Return what a container has said on both ways."""
    return call("docker", "logs", container).text


def free_port() -> int:
    """Return a port of the host on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether something listens there."""
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex((host, port)) == 0


def until(what: str, question: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Ask again until the answer is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


class Stack:
    """A copy of the project in a folder, and `docker compose` in it under a name of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = f"star-schema-test-{os.getpid()}-{next(_numbers)}"
        self.files = ["docker-compose.yml"]
        self.port = free_port()
        for name in FILES:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, folder / name, ignore=ignored)
            else:
                shutil.copy2(ROOT / name, folder / name)

    def make_env(self) -> None:
        """Write .env as `make env` does, with ports on which nothing listens yet."""
        output = call("sh", "docker/make-env", folder=self.folder)
        assert output.code == 0, output.text
        self.set(WAREHOUSE_PORT=self.port, PGADMIN_PORT=free_port(), SOURCE_PORT=free_port())
        self.set(REDIS_PORT=free_port())

    @property
    def settings(self) -> dict[str, str]:
        """The variables of .env."""
        lines = (self.folder / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")

    @property
    def passwords(self) -> dict[str, str]:
        """The passwords of .env."""
        return {name: v for name, v in self.settings.items() if name.endswith("_PASSWORD")}

    def set(self, **values: object) -> None:
        """Give variables of .env another value, or take them out by None."""
        kept = {**self.settings, **values}
        lines = [f"{name}={value}\n" for name, value in kept.items() if value is not None]
        (self.folder / ".env").write_text("".join(lines))

    def try_(self, *words: str, env: dict[str, str] | None = None) -> Output:
        """Run a command of docker compose, and return whatever came of it."""
        files = [word for file in self.files for word in ("--file", file)]
        begin = ("docker", "compose", "--progress", "quiet", "--project-name", self.project)
        return call(*begin, *files, *words, folder=self.folder, env=env)

    def __call__(self, *words: str) -> str:
        """Run a command of docker compose, and return what it prints on both ways."""
        output = self.try_(*words)
        assert output.code == 0, f"{words}: {output.text}"
        return output.text

    def up(self) -> None:
        """Bring everything up, and wait for the engine to have ended well."""
        self("up", "--detach")
        assert docker("wait", self.container("etl")) == "0", self("logs", "etl")

    def container(self, service: str) -> str:
        """Return the id of a service's container, or nothing when there is none."""
        return self.try_("--profile", "*", "ps", "--all", "--quiet", service).out.strip()

    def inspect(self, service: str) -> dict[str, Any]:
        """Return all that Docker knows of a service's container."""
        (known,) = json.loads(docker("inspect", self.container(service)))
        return dict(known)

    def engine(self, *words: str) -> Output:
        """Run the engine as a person would: docker compose run --rm etl …"""
        return self.try_("run", "--rm", "--no-TTY", "etl", *words)

    def run(self, *words: str) -> dict[str, Any]:
        """Load the star, and return the engine's report."""
        output = self.engine("run", "mappings/star.yml", "--report", "json", *words)
        assert output.code == 0, output.text
        return dict(json.loads(output.out))

    def begin(self, *words: str) -> str:
        """Start the engine in the background, and return its container's id."""
        return self.try_("run", "--detach", "--no-deps", "etl", *words).out.strip()

    def sql(self, service: str, statement: str) -> list[tuple[str, ...]]:
        """Run SQL as the superuser, over the socket inside the container; return the rows as text."""
        database = self.settings["SOURCE_DB" if service == "source-db" else "WAREHOUSE_DB"]
        words = ("--username", "postgres", "--dbname", database, "--no-psqlrc", "--quiet")
        rows = self(
            "exec", "--no-TTY", service, "psql", *words, "--tuples-only", "--no-align",
            "--set", "ON_ERROR_STOP=1", "--field-separator", "\x1f", "--command", statement,
        )  # fmt: skip
        return [tuple(line.split("\x1f")) for line in rows.splitlines() if line]

    def value(self, service: str, statement: str) -> str:
        """Return the only value of a query."""
        ((value,),) = self.sql(service, statement)
        return value

    def remove(self) -> None:
        """Remove containers, volumes, networks and images of this stack, whatever state it is in."""
        words = ("down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "3")
        # Compose wants its variables even for this, and a test may have taken them away.
        needed = dict.fromkeys(("SOURCE_DB", "SOURCE_USER", "WAREHOUSE_DB", "WAREHOUSE_USER"), "x")
        self.try_("--profile", "*", *words, env=needed)
        filters = ("--filter", f"label=com.docker.compose.project={self.project}")
        left = [docker(kind, "ls", "--quiet", *filters) for kind in ("volume", "network")]
        left.append(docker("container", "ls", "--all", "--quiet", *filters))
        assert not any(left), f"{self.project}: something is left behind: {left}"


@contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """Give a stack that is not up yet, and leave nothing of it."""
    folder.mkdir(exist_ok=True)
    made = Stack(folder)
    try:
        yield made
    finally:
        made.remove()


# The star as plain SQL on the source would have it; each pair is (source, warehouse).
PAIRS = (
    (
        "SELECT user_id, name, lower(email), coalesce(city, 'Unknown') FROM users ORDER BY user_id",
        "SELECT user_id, name, email, city FROM dim_users WHERE user_key <> -1 ORDER BY user_id",
    ),
    (
        "SELECT product_id, name, coalesce(category, 'Uncategorised'), price FROM products"
        " ORDER BY product_id",
        "SELECT product_id, name, category, price FROM dim_products WHERE product_key <> -1"
        " ORDER BY product_id",
    ),
    (
        "SELECT o.order_id, to_char(o.order_date, 'YYYYMMDD'), u.user_id, p.product_id,"
        " o.quantity, o.total, round(o.total / nullif(o.quantity, 0), 2)"
        " FROM orders o LEFT JOIN users u USING (user_id) LEFT JOIN products p USING (product_id)"
        " ORDER BY o.order_id",
        "SELECT f.order_id, f.order_date_key, u.user_id, p.product_id, f.quantity, f.total,"
        " f.unit_price FROM fact_orders f JOIN dim_users u USING (user_key)"
        " JOIN dim_products p USING (product_key) ORDER BY f.order_id",
    ),
)


def assert_star_is_right(of: Stack) -> None:
    """Compare the star with plain SQL on the source, row by row."""
    for source, warehouse in PAIRS:
        wanted, found = of.sql("source-db", source), of.sql("warehouse", warehouse)
        assert len(wanted) > 40
        assert found == wanted


def add_orders(to: Stack, number: int) -> None:
    """Add orders to the source, as the shop would."""
    to.sql(
        "source-db",
        "INSERT INTO orders (user_id, product_id, quantity, order_date, total)"
        f" SELECT 1 + n % 60, 1 + n % 38, 1, '2025-06-01', 20 FROM generate_series(1, {number}) n",
    )

"""Who loads the star: the engine, SQL by hand, and other tools, each into a schema of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from benchmarks.measure import Measured, measured
from benchmarks.peers import environment
from benchmarks.servers import SCHEMA, Bench, plain, programs, say

PEERS = Path(__file__).parent / "peers"
SCRIPT = PEERS / "dlt_dbt/run.sh"
FULL, CHANGED, NOTHING = PHASES = ("full", "changed", "nothing")


class Contender(Protocol):
    """One way to load the star."""

    name: str
    schema: str

    def prepare(self) -> None:
        """Forget what was loaded before: the warehouse is empty again."""

    def run(self, phase: str) -> Measured:
        """Load what there is to load, as a whole process."""


class TheEngine:
    """`engine run mappings/star.yml`."""

    name, schema = "engine", "public"

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def prepare(self) -> None:
        """Nothing: all that it knows is in the warehouse."""

    def run(self, _phase: str) -> Measured:
        """Run the mapping."""
        return self._bench.engine()


class ByHand:
    """The scripts of `by_hand/`."""

    name, schema = "by hand", SCHEMA

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def prepare(self) -> None:
        """Nothing: all that it knows is in the warehouse."""

    def run(self, phase: str) -> Measured:
        """Run the script of a phase."""
        return self._bench.by_hand("full.sh" if phase == FULL else "changed.sh")


class DltDbt:
    """dlt and then `dbt run`; see `peers/dlt_dbt/`."""

    name, schema = "dlt + dbt", "dlt_dbt"

    def __init__(self, bench: Bench, binaries: Path, work: Path) -> None:
        self._bench, self._binaries, self._work = bench, binaries, work
        # As where it runs every day: what dbt has parsed is kept from run to run.
        parse = ["/bin/sh", SCRIPT, "parse"]
        measured(parse, self._settings(), work)

    def prepare(self) -> None:
        """Forget dlt's cursors; what dbt has parsed stays."""
        shutil.rmtree(self._work / "dlt", ignore_errors=True)

    def run(self, _phase: str) -> Measured:
        """Run both, one after the other."""
        return measured(["/bin/sh", SCRIPT], self._settings(), self._work)

    def _settings(self) -> Mapping[str, str]:
        warehouse = plain(self._bench.warehouse.url())
        settings = {
            "BIN": str(self._binaries),
            "SOURCE": plain(self._bench.source.url()),
            "WAREHOUSE": warehouse,
            "STATE": str(self._work / "dlt"),
            "WORK": str(self._work),
            # No word home: it would be waited for where there is no way out.
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DO_NOT_TRACK": "1",
        }
        return programs() | settings | libpq(warehouse)


class Pygrametl:
    """`peers/pygrametl_star.py`."""

    name, schema = "pygrametl", "pygrametl"

    def __init__(self, bench: Bench, binaries: Path) -> None:
        self._bench, self._binaries = bench, binaries

    def prepare(self) -> None:
        """Nothing: all that it knows is in the warehouse."""

    def run(self, _phase: str) -> Measured:
        """Run the program; it sees for itself whether it is the first time."""
        urls = {
            "SOURCE": plain(self._bench.source.url()),
            "WAREHOUSE": plain(self._bench.warehouse.url()),
        }
        command = [self._binaries / "python", PEERS / "pygrametl_star.py"]
        return measured(command, programs() | urls)


@contextmanager
def contenders(bench: Bench, *, peers: bool) -> Iterator[tuple[list[Contender], dict[str, str]]]:
    """Make all who can be had here ready; the second says why others cannot."""
    found: list[Contender] = [TheEngine(bench), ByHand(bench)]
    absent: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="engine-bench-peers-") as folder:
        if peers:
            for name, package in (("dlt + dbt", "dlt-dbt"), ("pygrametl", "pygrametl")):
                say(f"{name}: its environment")
                try:
                    binaries = environment.programs(package)
                except environment.AbsentError as error:
                    absent[name] = str(error)
                    say(f"{name}: cannot be installed, goes without: {error}")
                    continue
                work = Path(folder) / package
                work.mkdir()
                if package == "pygrametl":
                    found.append(Pygrametl(bench, binaries))
                else:
                    found.append(DltDbt(bench, binaries, work))
        yield found, absent


def libpq(url: str) -> Mapping[str, str]:
    """Return a URL as the variables of libpq."""
    parts = urlsplit(url)
    return {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
    }

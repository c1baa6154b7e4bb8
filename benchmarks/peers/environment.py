"""An environment of its own for each tool, made at its first use from the package index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".peers"
REQUIREMENTS = Path(__file__).parent
PATIENCE = 420  # seconds for an installation


class AbsentError(Exception):
    """A tool cannot be had here; says why."""


def programs(name: str, folder: Path = FOLDER) -> Path:
    """Return the folder of a tool's programs, made where there are none of these versions.

    AbsentError when pip cannot install it.
    """
    wanted = (REQUIREMENTS / f"requirements-{name}.txt").read_text(encoding="utf-8")
    home = folder / name
    stamp, binaries = home / "made-of.txt", home / "bin"
    made_of = f"{sys.version}\n{wanted}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_of:
        return binaries
    _do([sys.executable, "-m", "venv", "--clear", "--without-pip", home])
    pip = [sys.executable, "-m", "pip", "--python", binaries / "python", "--no-input"]
    requirements = REQUIREMENTS / f"requirements-{name}.txt"
    _do([*pip, "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements])
    stamp.write_text(made_of, encoding="utf-8")
    return binaries


def _do(command: list[str | Path]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AbsentError(f"{command[0]}: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
        raise AbsentError(lines[0] if lines else f"pip ended with {done.returncode}")

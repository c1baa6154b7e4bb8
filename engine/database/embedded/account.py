"""Who runs the servers, since PostgreSQL refuses to run as root, and where it may write."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TypedDict

from engine.database.embedded.binaries import WHEEL, Binaries
from engine.errors import SettingsError
from engine.values import dataclass

CANDIDATES = ("postgres", "nobody")  # accounts that exist for such a purpose, the best first


class _Switch(TypedDict, total=False):
    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the servers run as; `switch` says that it is not our own."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(
        self, command: Sequence[str | Path], *, text: str = "", log: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as this account, with `text` as input and errors to `log`.

        Its working folder is /, because PostgreSQL's programs fail in one that they may not enter.
        PG… variables are kept from it: a PGDATA or PGOPTIONS of the user's is about other servers.
        It gets a session of its own, so that Ctrl-C in the terminal ends us and not the servers.
        """
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))
        }
        switch: _Switch = {}
        if self.switch:
            switch = {"user": self.uid, "group": self.gid, "extra_groups": []}
        try:
            return subprocess.run(  # noqa: S603  a list of arguments, no shell
                command,
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if log is None else log,
                text=True,
                errors="replace",
                cwd="/",
                env=environment | {"LC_ALL": "C"},
                check=False,
                start_new_session=True,
                **switch,
            )
        except OSError as error:
            # Also where root may not change its account, as in a container without CAP_SETUID.
            raise SettingsError(
                f"{command[0]}: cannot be run as the user '{self.name}': {error.strerror}"
            ) from error

    def reaches(self, path: Path) -> bool:
        """Return whether this account may enter the folder or execute the file."""
        if not self.switch:
            return os.access(path, os.X_OK)
        return self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", path]).returncode == 0

    def take(self, path: Path) -> None:
        """Make this account the owner of a file or folder of ours."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account() -> Account:
    """Return the account for the servers: our own or, for root, one of CANDIDATES."""
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid(), switch=False)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise SettingsError(
        f"PostgreSQL refuses to run as root, and there is no user {' or '.join(CANDIDATES)} "
        "to run it as; work as an ordinary user"
    )


def fallback(owner: Account, purpose: Path) -> Path:
    """Return a folder of the account's own in the temporary one, the same for one `purpose`.

    Its name can be guessed, so one that another user has put there is refused.
    """
    digest = hashlib.sha256(os.fsencode(purpose)).hexdigest()[:16]
    parents = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/tmp")]  # noqa: S108
    parent = next((folder for folder in parents if owner.reaches(folder)), parents[-1])
    folder = parent / f"star-schema-engine-{digest}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        owner.take(folder)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid or found.st_mode & 0o077:
        raise SettingsError(
            f"{folder}: is not a folder of the user '{owner.name}' alone; delete it, or set TMPDIR"
        )
    return folder


def within_reach(binaries: Binaries, owner: Account) -> Binaries:
    """Return binaries that the account can execute: these, or a copy if they are the wheel's."""
    if owner.reaches(binaries.program("postgres")):
        return binaries
    root = binaries.folder.parent
    if root.parent.name != WHEEL:
        raise SettingsError(
            f"{binaries.folder}: cannot be reached by the user '{owner.name}', who has to run "
            "the servers because PostgreSQL refuses to run as root"
        )
    # An upgrade of the wheel changes the time, and so the folder of the copy.
    home = fallback(owner, root / str(binaries.program("postgres").stat().st_mtime_ns))
    target = home / "copy" / WHEEL / root.name / "bin"
    if not target.exists():
        _copy(root, home, owner)
    return Binaries(target, binaries.version)


def _copy(root: Path, home: Path, owner: Account) -> None:
    """Copy one installation of the wheel to `home`/copy, which appears only when complete."""
    package = root.parent
    draft = Path(tempfile.mkdtemp(dir=home))
    # The programs find their libraries by a way relative to themselves: keep the wheel's layout.
    libraries = (package.parent / f"{WHEEL}.libs", package / ".dylibs")
    for part in (root, *filter(Path.exists, libraries)):
        shutil.copytree(part, draft / part.relative_to(package.parent), symlinks=True)
    for path in (draft, *draft.rglob("*")):
        owner.take(path)
    try:
        draft.rename(home / "copy")
    except OSError:  # another process was quicker
        shutil.rmtree(draft)

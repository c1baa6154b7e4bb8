"""One data directory: made whole or not at all, with no way in but a password over the loopback."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from engine.database.embedded.account import Account, fallback
from engine.database.embedded.binaries import Binaries
from engine.database.embedded.postmaster import Postmaster, last_lines
from engine.database.embedded.server import ADMIN, Role, pgpass
from engine.errors import SettingsError
from engine.values import dataclass

DRAFT = "data-"  # begins the name of a cluster that is being made
LOCALES = {
    # From 17 on the same on every operating system; before, the first that the system knows.
    True: (("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),),
    False: (("--locale=C.UTF-8",), ("--locale=C",)),
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """The data directory of one server, `folder`/data, which may point elsewhere."""

    folder: Path
    role: Role
    owner: Account

    @property
    def data(self) -> Path:
        """The data directory, or a link to it. It exists only when it is complete."""
        return self.folder / "data"

    @property
    def passfile(self) -> Path:
        """The passwords, in libpq's pgpass format."""
        return self.folder / "passfile"

    def exists(self) -> bool:
        """Return whether the cluster has been made."""
        return self.data.is_dir()

    def fits(self, binaries: Binaries) -> None:
        """Raise a SettingsError if these binaries cannot read the data."""
        found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != str(binaries.version):
            raise SettingsError(
                f"{self.data}: made by PostgreSQL {found}, and PostgreSQL {binaries.version} cannot "
                f"read it; use PostgreSQL {found}, or delete {self.folder.parent} to begin anew"
            )

    def create(self, binaries: Binaries, *, sync: bool) -> None:
        """Make the cluster, its roles and its database; what a killed attempt left is cleared."""
        self.folder.mkdir(exist_ok=True)
        home = self._home()
        final = home / "data"
        # Data that nothing leads to: a first attempt that was killed, or the folder was deleted and
        # only its outpost in the temporary folder is left, perhaps with a server still running.
        Postmaster(final, self.owner).stop()
        for leftover in (final, *home.glob(f"{DRAFT}*")):
            _clear(leftover)
        self.data.unlink(missing_ok=True)
        # A new name each time: an initdb whose starter was killed may still be at work in another.
        draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=home))
        try:
            self.owner.take(draft)
            self._initialise(binaries, draft, [] if sync else ["--no-sync"])
            self._define(binaries, draft, [] if sync else ["-F"])
            draft.rename(final)
        except BaseException:
            _clear(draft)
            raise
        if final != self.data:
            self.data.symlink_to(final)
        for leftover in home.glob(f"{DRAFT}*"):  # what such an initdb wrote after it was cleared
            _clear(leftover)

    def notes(self) -> tuple[str, ...]:
        """Return what a user should know about where the data is."""
        if not self.data.is_symlink():
            return ()
        return (
            f"the data of the {self.role.name} is in {self.data.resolve()}, because PostgreSQL "
            f"refuses to run as root and the user '{self.owner.name}' cannot enter {self.folder}",
        )

    def remove(self) -> None:
        """Delete the data, wherever it is; the server must have stopped."""
        home = self.data.resolve().parent
        shutil.rmtree(self.folder, ignore_errors=True)
        if home != self.folder.resolve():
            shutil.rmtree(home, ignore_errors=True)

    def _home(self) -> Path:
        """Return the folder that holds the data: ours, or another if the account cannot enter it."""
        if not self.owner.switch or self.owner.reaches(self.folder):
            return self.folder
        return fallback(self.owner, self.folder)

    def _initialise(self, binaries: Binaries, draft: Path, options: list[str]) -> None:
        command = [
            str(binaries.program("initdb")),
            f"--pgdata={draft}",
            f"--username={ADMIN}",
            "--encoding=UTF8",
            "--text-search-config=english",
            # Passwords over the loopback and nothing else; initdb would otherwise want one already.
            "--auth-host=scram-sha-256",
            "--auth-local=reject",
            "--no-instructions",
            *options,
        ]
        said = ""
        for locale in LOCALES[binaries.version >= 17]:
            result = self.owner.run([*command, *locale])
            if result.returncode == 0:
                return
            said = last_lines(result.stderr)
        raise SettingsError(f"{self.folder}: no database could be made there: {said}")

    def _define(self, binaries: Binaries, draft: Path, options: list[str]) -> None:
        """Create roles and database in single-user mode: no server without passwords ever runs."""
        script = "".join(f"{statement};\n" for statement in self._statements(self._passwords()))
        # An error in a statement would otherwise be no failure, and show the statement.
        options = [*options, "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic"]
        command = [str(binaries.program("postgres")), "--single", *options]
        command += ["-D", str(draft), "template1"]
        result = self.owner.run(command, text=script)
        if result.returncode != 0:
            raise SettingsError(
                f"{self.folder}: its database could not be made: {last_lines(result.stderr)}"
            )

    def _statements(self, secret: dict[str, str]) -> list[str]:
        role = self.role
        statements = [
            f"CREATE ROLE {user} LOGIN" for user in sorted({role.user, role.owner} - {ADMIN})
        ]
        statements += [f"ALTER ROLE {user} PASSWORD '{secret[user]}'" for user in secret]
        if role.user != role.owner:
            # In template1, so that every database made from it is readable too.
            statements += [
                f"GRANT pg_read_all_stats TO {role.user}",
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {role.owner} "
                f"GRANT SELECT ON TABLES TO {role.user}",
            ]
        return [*statements, f"CREATE DATABASE {role.database} OWNER {role.owner}"]

    def _passwords(self) -> dict[str, str]:
        """Write new random passwords, readable by us alone."""
        secret = {user: secrets.token_hex(16) for user in sorted({ADMIN, self.role.user})}
        self.passfile.unlink(missing_ok=True)
        descriptor = os.open(self.passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(pgpass(secret))
        return secret


def _clear(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)

"""An embedded server as a value: where it listens, who may log in, and the commands that reach it."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from engine.errors import SettingsError

HOST = "127.0.0.1"
ADMIN = "postgres"


@dataclass(frozen=True, slots=True)
class Role:
    """What tells one server from the other: its name, its database, who owns that and who logs in."""

    name: str
    database: str
    user: str
    owner: str


SOURCE = Role("source", "source", user="engine_reader", owner=ADMIN)
WAREHOUSE = Role("warehouse", "warehouse", user="engine", owner="engine")


@dataclass(frozen=True, slots=True)
class Server:
    """One running server. `user` is the role of the engine, `owner` the one that owns the database.

    Passwords are no part of the value, so that it can be logged: they are read from `passfile`, which
    is in libpq's pgpass format, whenever a URL is asked for.
    """

    name: str
    folder: Path
    host: str
    port: int
    user: str
    owner: str
    database: str
    passfile: Path
    program: Path

    def url(self) -> str:
        """Return the SQLAlchemy URL, password included, of the role that the engine logs in as."""
        return self._url(self.user)

    def owner_url(self) -> str:
        """Return the URL of the role that owns the database: the one that creates and seeds tables."""
        return self._url(self.owner)

    def admin_url(self) -> str:
        """Return the URL of the superuser."""
        return self._url(ADMIN)

    def psql(self) -> str:
        """Return a command, without a password in it, that opens the database in psql."""
        program = "psql" if shutil.which("psql") else shlex.quote(str(self.program))
        address = (
            f"postgresql://{self.user}@{self.host}:{self.port}/{quote(self.database, safe='')}"
        )
        return f"{program} {shlex.quote(f'{address}?passfile={quote(str(self.passfile))}')}"

    def _url(self, user: str) -> str:
        password = passwords(self.passfile)[user]
        address = f"{self.host}:{self.port}/{quote(self.database, safe='')}"
        return f"postgresql+psycopg2://{user}:{quote(password, safe='')}@{address}"


def passwords(passfile: Path) -> dict[str, str]:
    """Return the password of each role in a pgpass file that `pgpass` wrote; SettingsError if it is gone."""
    try:
        lines = passfile.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingsError(
            f"{passfile}: the passwords of the embedded database cannot be read ({error.strerror}); "
            f"delete the folder {passfile.parent.parent} to begin anew"
        ) from error
    fields = (line.split(":") for line in lines if line.count(":") == 4)
    return {user: password for _, _, _, user, password in fields}


def pgpass(secrets: dict[str, str]) -> str:
    """Return the text of a pgpass file; any port and database, since the port may change at a restart."""
    return "".join(f"{HOST}:*:*:{user}:{password}\n" for user, password in secrets.items())

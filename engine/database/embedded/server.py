"""An embedded server as a value: where it listens, who may log in, and how to reach it."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from urllib.parse import quote

from engine.errors import SettingsError
from engine.values import dataclass

HOST = "127.0.0.1"
ADMIN = "postgres"


@dataclass(frozen=True, slots=True)
class Role:
    """What tells one server from the other: its database, who owns that and who logs in."""

    name: str
    database: str
    user: str
    owner: str


SOURCE = Role("source", "source", user="engine_reader", owner=ADMIN)
WAREHOUSE = Role("warehouse", "warehouse", user="engine", owner="engine")


@dataclass(frozen=True, slots=True)
class Server:
    """One running server. `user` is the role of the engine, `owner` that of the database's owner.

    Passwords are no part of the value, so that it can be logged: they are read from `passfile`,
    which is in libpq's pgpass format, whenever a URL is asked for. `program` is the psql to show.
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
        """Return the URL of the role that owns the database, creates its tables and seeds them."""
        return self._url(self.owner)

    def admin_url(self) -> str:
        """Return the URL of the superuser."""
        return self._url(ADMIN)

    def psql(self, *, owner: bool = False) -> str:
        """Return a command, without a password in it, that opens psql as `user` or as the owner."""
        user = self.owner if owner else self.user
        program = "psql" if shutil.which("psql") else shlex.quote(str(self.program))
        address = f"postgresql://{user}@{self.host}:{self.port}/{quote(self.database, safe='')}"
        return f"{program} {shlex.quote(f'{address}?passfile={quote(str(self.passfile))}')}"

    def _url(self, user: str) -> str:
        password = passwords(self.passfile)[user]
        address = f"{self.host}:{self.port}/{quote(self.database, safe='')}"
        return f"postgresql+psycopg2://{user}:{quote(password, safe='')}@{address}"


def passwords(passfile: Path) -> dict[str, str]:
    """Return the password of each role in a file that `pgpass` wrote."""
    try:
        lines = passfile.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SettingsError(
            f"{passfile}: the embedded database's passwords cannot be read ({error.strerror}); "
            f"delete the folder {passfile.parent.parent} to begin anew"
        ) from error
    fields = (line.split(":") for line in lines if line.count(":") == 4)
    return {user: password for _, _, _, user, password in fields}


def pgpass(secrets: dict[str, str]) -> str:
    """Return the text of a pgpass file, for any port, since that may change at a restart."""
    return "".join(f"{HOST}:*:*:{user}:{password}\n" for user, password in secrets.items())

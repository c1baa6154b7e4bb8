"""The source and the warehouse side by side: start both, find both again, stop both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from engine.database.embedded.account import account
from engine.database.embedded.binaries import locate
from engine.database.embedded.cluster import Cluster
from engine.database.embedded.instance import Instance, Wish
from engine.database.embedded.lock import Share, exclusive
from engine.database.embedded.server import SOURCE, WAREHOUSE, Role, Server
from engine.errors import SettingsError

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

README = """\
The databases of `engine demo`: two PostgreSQL servers that belong to this folder alone.

  source/      a small web shop, where the engine reads
  warehouse/   the star schema, which the engine fills

In each: data (the database itself, or a link to it), passfile (its passwords), port, server.log.
To be rid of it all: run `engine demo --stop`, then delete this folder.
"""
OWN = ("source", "warehouse", "README.txt", ".lock", ".users")


class Embedded:
    """Two servers in one folder, each made at the first start and found again afterwards.

    `version` is a major version that the wheel brings, `binaries` a folder with other programs.
    With `sync` off the servers are quicker and lose their data when the machine crashes: that is
    for tests only. `wait` is how many seconds to wait for another process that is just starting or
    stopping them.

    As a context manager it stops, at the end, the servers that it started, unless another process
    has begun to use them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        version: int | None = None,
        binaries: Path | None = None,
        sync: bool = True,
        wait: float = 15.0,
    ) -> None:
        self.folder = folder.absolute()
        self.created: frozenset[str] = frozenset()
        self.notes: tuple[str, ...] = ()
        self._wish = Wish(version, binaries, sync)
        self._wait = wait
        self._started: tuple[Instance, ...] = ()
        self._share: Share | None = None

    @property
    def source(self) -> Server:
        """The server that the engine reads from; a SettingsError if it does not run."""
        return self._server(SOURCE)

    @property
    def warehouse(self) -> Server:
        """The server that the engine writes to; a SettingsError if it does not run."""
        return self._server(WAREHOUSE)

    def running(self) -> bool:
        """Return whether both servers run."""
        return all(instance.postmaster.pid() is not None for instance in self._instances())

    def made(self) -> bool:
        """Return whether the folder has databases of ours, or begins to have them."""
        begun = (self.folder / name / "data" for name in ("source", "warehouse"))
        return any(data.exists() for data in begun) or _is_ours(self.folder / "README.txt")

    def places(self) -> tuple[Path, ...]:
        """Return what to delete to be rid of it all: the folder, or what is ours where there is more."""
        names = {path.name for path in self.folder.iterdir()}
        own = [self.folder / name for name in OWN if name in names]
        # As root the data may be elsewhere, see Cluster.notes: deleting the folder would leave it behind.
        links = sorted(link for link in self.folder.glob("*/data") if link.is_symlink())
        return (
            *([self.folder] if names <= set(OWN) else own),
            *(link.resolve().parent for link in links if link.parent.name in OWN),
        )

    def start(self) -> None:
        """Start what does not run, after making what does not exist.

        Afterwards `created` names the servers that are fresh, and `notes` says what a user should
        know: that the data had to go elsewhere, because the servers cannot run as root.
        """
        self._make_folder()
        with self._locked():
            # Within the lock, so that nobody stops the servers between the look and the claim.
            if self._share is None:
                self._share = Share(self.folder / ".users")
            instances = self._instances()
            fresh = [i.cluster.role.name for i in instances if not i.cluster.exists()]
            stopped = [i for i in instances if i.postmaster.pid() is None]
            self._started = (*self._started, *stopped)
            try:
                self._for_each(lambda instance: instance.start(self._wish))
            except BaseException:  # one may have started while the other failed: leave none behind
                for instance in stopped:
                    instance.postmaster.stop()
                raise
        self.created = frozenset(fresh)
        self.notes = tuple(note for i in instances for note in i.cluster.notes())
        for note in self.notes:
            logger.info(note)

    def stop(self) -> None:
        """Stop what runs, whoever started it and whoever uses it."""
        if self.folder.is_dir():
            with self._locked():
                self._for_each(lambda instance: instance.postmaster.stop())
        self._forget()

    def remove(self) -> None:
        """Stop both servers and delete their data for good, also what lies outside the folder."""
        if self.folder.is_dir():
            with self._locked():
                self._for_each(lambda instance: instance.postmaster.stop())
                self._for_each(lambda instance: instance.cluster.remove())
        self._forget()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._started and self.folder.is_dir():
            with self._locked():
                if self._share is not None and self._share.alone():
                    for instance in self._started:
                        instance.postmaster.stop()
        self._forget()

    def _server(self, role: Role) -> Server:
        (instance,) = (i for i in self._instances() if i.cluster.role == role)
        psql = locate(self._wish.version, self._wish.binaries).program("psql")
        return instance.server(psql)

    def _instances(self) -> tuple[Instance, ...]:
        owner = account()
        return tuple(
            Instance(Cluster(self.folder / role.name, role, owner)) for role in (SOURCE, WAREHOUSE)
        )

    def _for_each(self, act: Callable[[Instance], Result]) -> list[Result]:
        """Do something to both servers at once, since each only waits for a program."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            return list(pool.map(act, self._instances()))

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self.made():
                if any(path.name not in OWN[-2:] for path in self.folder.iterdir()):
                    raise SettingsError(
                        f"{self.folder}: the folder holds something else than databases of `engine demo`: "
                        "name one that is empty or not there yet"
                    )
                (self.folder / "README.txt").write_text(README, encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"{self.folder}: no folder for the embedded databases can be made there: "
                f"{error.strerror}"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with exclusive(self.folder / ".lock", self._wait):
                yield
        except OSError as error:
            raise SettingsError(
                f"{error.filename or self.folder}: {error.strerror}; the embedded databases need it"
            ) from error

    def _forget(self) -> None:
        self._started = ()
        if self._share is not None:
            self._share.release()
            self._share = None


def _is_ours(readme: Path) -> bool:
    try:
        return readme.read_text(encoding="utf-8").startswith(README.partition("\n")[0])
    except (OSError, UnicodeDecodeError):
        return False

"""After a run's commit: the members that it changed go to Redis. Nothing that fails here fails the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg2
from sqlalchemy.exc import DBAPIError

from engine.cache import warehouse
from engine.cache.settings import CacheSettings
from engine.cache.space import Space, State, hold, new_epoch, space_of
from engine.database.failure import sentence
from engine.database.versions import Change
from engine.errors import RunError
from engine.mapping.model import Dimension, Star
from engine.plan.steps import Notice
from engine.settings import ConnectionSettings
from engine.values import dataclass

if TYPE_CHECKING:  # redis is slow to import, and most runs have no cache
    from engine.cache.store import Store

logger = logging.getLogger(__name__)

MOST = 100_000  # members; of more, lookups fetch those that are asked for
HELD = 30  # seconds that a state is held, anew with each batch
PATIENCE = 30  # seconds for all of it
NONE = "there is no REDIS_URL and no REDIS_HOST: nothing is cached, and lookups ask the warehouse"


class TooLongError(Exception):
    """Redis answers, but too slowly for a run to wait for it."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes what runs of a star have changed; without settings the log alone says that there are none."""

    star: Star
    settings: CacheSettings | None
    warehouse: ConnectionSettings

    def publish(self, run_id: str, changes: tuple[Change, ...]) -> tuple[Notice, ...]:
        """Publish, and return what a person should know of it. Every failure is a notice and a warning."""
        cached = [dimension.name for dimension in self.star.dimensions if dimension.cache]
        if not cached:
            return ()
        due = [change for change in changes if change.entry in cached]
        if self.settings is None:
            for change in due:
                logger.info("%s: %s", change.entry, NONE)  # a cache is optional
            return ()
        return tuple(self._publish(run_id, due, self.settings)) if due else ()

    def _publish(
        self, run_id: str, changes: list[Change], settings: CacheSettings
    ) -> Iterator[Notice]:
        from engine.cache.store import CacheError, Store

        name, end = changes[0].entry, time.monotonic() + PATIENCE
        store: Store | None = None
        try:
            store = Store(settings)
            who = warehouse.identity(self.warehouse)
            for change in changes:
                name = change.entry
                self._one(store, who, run_id, change, end)
        except (CacheError, TooLongError, RunError) as error:
            yield _warning(name, str(error))
        except (DBAPIError, psycopg2.Error) as error:
            yield _warning(name, sentence(error))
        except KeyboardInterrupt:  # the star is published
            yield _warning(name, "interrupted")
        finally:
            if store:
                store.close()

    def _one(self, store: Store, who: str, run_id: str, change: Change, end: float) -> None:
        dimension = self.star.dimension(change.entry)
        batches = warehouse.changed(self.warehouse, self.star, change, run_id)
        version, _ = next(batches, ("", []))
        if not version:  # another run came after this one, and publishes
            return
        space = space_of(self.star, dimension, who, _ttl(dimension))
        before = store.state(space)
        present = State.read(before)
        # Members that are gone would stay: no row tells of them. A new epoch has nothing in it.
        kept = present.version in (change.before, version) and not change.deleted
        whole = change.written <= MOST
        epoch = present.epoch if kept and whole and present.version else new_epoch()
        if _publish_under(
            store, space, before, State(epoch, version), batches if whole else iter(()), end
        ):
            logger.info("%s: the cache is up to date", change.entry, extra={"rows": change.written})


def _publish_under(
    store: Store,
    space: Space,
    before: str,
    after: State,
    batches: Iterator[tuple[str, list[tuple[tuple[str, ...], str]]]],
    end: float,
) -> bool:
    """Hold the state while the members are written, then say what version they are of."""
    held = hold()
    if not store.swap(space, before, held, HELD):
        return False
    for _, members in batches:
        store.write(space, after.epoch, members)
        if not store.swap(space, held, held, HELD):
            return False
        if time.monotonic() > end:
            raise TooLongError(f"publishing took more than {PATIENCE} s")
    return store.swap(space, held, str(after))


def _ttl(dimension: Dimension) -> int:
    return dimension.cache.ttl if dimension.cache else 0


def _warning(entry: str, why: str) -> Notice:
    logger.warning("%s: the cache was not brought up to date: %s", entry, why)
    return Notice(
        entry, f"the cache was not brought up to date, lookups ask the warehouse meanwhile: {why}"
    )

"""Members of dimensions by their natural keys: from Redis where it is up to date, else from the warehouse."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from engine.cache.settings import CacheSettings, cache_settings
from engine.cache.space import HELD, Space, State, new_epoch, space_of
from engine.cache.warehouse import BATCH, Answer, Key, Warehouse
from engine.errors import ArgumentError, RunError, SettingsError, did_you_mean
from engine.mapping.load import Loaded, load
from engine.mapping.model import Dimension
from engine.settings import settings_for
from engine.values import dataclass

if TYPE_CHECKING:  # redis is slow to import, and a lookup without a cache has no use for it
    from engine.cache.store import Store

logger = logging.getLogger(__name__)

T = TypeVar("T")

PAUSE = 5.0  # seconds in which a Redis that has failed is not asked
TRIES = 3  # of a state that moves on while it is read


@dataclass(frozen=True, slots=True)
class Member:
    """A row of a dimension: `text` is JSON as the warehouse wrote it, `by` says who answered."""

    text: str
    by: Literal["cache", "warehouse"]

    @property
    def values(self) -> dict[str, Any]:
        """The columns; numbers with a fraction are Decimal, times and all else that JSON lacks are text."""
        values: dict[str, Any] = json.loads(self.text, parse_float=Decimal)
        return values


class Members:
    """Finds members. Threads may share one; close it, or use it as a context manager.

    `mapping` is a file or a mapping that is loaded already, `environ` has the settings. A member is at most
    `check_every` seconds older than the warehouse's last commit: so often it is asked for the version.
    """

    def __init__(
        self,
        mapping: Path | str | Loaded,
        environ: Mapping[str, str] | None = None,
        *,
        overrides: Mapping[str, str] | None = None,
        check_every: float = 1.0,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._star = (
            mapping if isinstance(mapping, Loaded) else load(Path(mapping), overrides)
        ).star
        settings = settings_for((self._star.connection("warehouse"),), environ)["warehouse"]
        self._warehouse = Warehouse(settings, self._star)
        self._settings: CacheSettings | None = cache_settings(environ)
        self._check_every = check_every
        self._store: Store | None = None
        self._spaces: dict[str, Space] = {}
        self._versions: dict[str, tuple[str, float]] = {}
        self._epochs: dict[str, str] = {}
        self._paused_until = 0.0
        self._guard = threading.RLock()

    def __enter__(self) -> Members:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        with self._guard:
            self._warehouse.close()
            if self._store:
                self._store.close()
            self._store = None

    def find(self, dimension: str, /, **natural_key: object) -> Member | None:
        """Return one member, None when there is none with this key.

        SettingsError for a dimension, a name or a value that cannot be; RunError without a warehouse.
        """
        return self.find_many(dimension, [natural_key])[0]

    def find_many(
        self, dimension: str, natural_keys: Sequence[Mapping[str, object]]
    ) -> list[Member | None]:
        """Return the members with these keys, in their order, None where there is none."""
        known = {each.name: each for each in self._star.dimensions}
        if dimension not in known:
            hint = did_you_mean(dimension, known)
            raise ArgumentError(
                f"the mapping '{self._star.name}' has no dimension '{dimension}'"
                + (f" ({hint})" if hint else "")
            )
        of = known[dimension]
        wanted = [_texts(of, key) for key in natural_keys]
        found, state = self._cached(of, list(dict.fromkeys(wanted)))
        missing = [key for key in dict.fromkeys(wanted) if key not in found]
        for n in range(0, len(missing), BATCH):
            fetched, state = self._fetched(of, missing[n : n + BATCH], state)
            found |= fetched
        return [found.get(key) for key in wanted]

    def _cached(self, of: Dimension, keys: list[Key]) -> tuple[dict[Key, Member], str | None]:
        """Return what Redis has, and its state; None for a state means that it is not to be filled."""
        if of.cache is None or self._settings is None or time.monotonic() < self._paused_until:
            return {}, None
        nothing: tuple[dict[Key, Member], str | None] = ({}, None)
        return self._safely(lambda: self._read(of, keys), nothing)

    def _read(self, of: Dimension, keys: list[Key]) -> tuple[dict[Key, Member], str | None]:
        store, space = self._connected(of)
        version, state = self._version(of), ""
        for _ in range(TRIES):
            epoch = self._epochs.get(of.name, "")
            state, texts = store.read(space, epoch, keys)
            there = State.read(state)
            if there.version and there.version == version:
                if there.epoch == epoch:
                    pairs = zip(keys, texts, strict=True)
                    return {key: Member(text, "cache") for key, text in pairs if text}, state
                self._epochs[of.name] = there.epoch
                continue
            fresh = self._version(of, anew=True)
            if fresh == version:
                break
            version = fresh
        return {}, None if state.startswith(HELD) else state

    def _version(self, of: Dimension, *, anew: bool = False) -> str:
        """Return the version that the warehouse has, or had a moment ago."""
        with self._guard:
            version, read_at = self._versions.get(of.name, ("", -float("inf")))
            if anew or time.monotonic() - read_at >= self._check_every:
                read_at = time.monotonic()
                version = self._warehouse.version(of)
                self._versions[of.name] = (version, read_at)
            return version

    def _fetched(
        self, of: Dimension, keys: list[Key], state: str | None
    ) -> tuple[dict[Key, Member], str | None]:
        """Return what the warehouse has, and the state that Redis then has."""
        with self._guard:
            answer = self._warehouse.members(of, keys)
        if state is not None and answer.version:
            known = state
            state = self._safely(lambda: self._fill(of, answer, known), None)
        found = {keys[n]: Member(text, "warehouse") for n, (_, text) in answer.members.items()}
        return found, state

    def _fill(self, of: Dimension, answer: Answer, state: str) -> str | None:
        """Let Redis have what was read, under the version that it was read at; return the state then."""
        store, space = self._connected(of)
        there = State.read(state)
        if there.version != answer.version:
            if (
                state and not answer.settled
            ):  # the run that made this version is about to publish it
                return None
            there = State(new_epoch(), answer.version)
            if not store.swap(space, state, str(there)):
                return None
        store.fill(space, str(there), there.epoch, dict(answer.members.values()))
        return str(there)

    def _connected(self, of: Dimension) -> tuple[Store, Space]:
        with self._guard:
            if self._store is None and self._settings:
                from engine.cache.store import Store

                self._store = Store(self._settings)
            if of.name not in self._spaces:
                ttl = of.cache.ttl if of.cache else 0
                who = self._warehouse.identity()
                self._spaces[of.name] = space_of(self._star, of, who, ttl)
            if self._store is None:
                raise RunError("there are no settings of a cache")
            return self._store, self._spaces[of.name]

    def _safely(self, work: Callable[[], T], otherwise: T) -> T:
        """Do something with Redis; when it fails say so, and leave it alone for a while."""
        from engine.cache.store import CacheError

        try:
            return work()
        except CacheError as error:
            self._paused_until = time.monotonic() + PAUSE
            logger.warning("lookups ask the warehouse: %s", error)
            return otherwise


def _texts(of: Dimension, given: Mapping[str, object]) -> Key:
    """Return the values of a natural key as texts, in its order."""
    wanted = ", ".join(of.natural_key)
    for name in given:
        if name not in of.natural_key:
            hint = did_you_mean(name, of.natural_key)
            what = f"{of.name} is looked up by {wanted}, not by '{name}'"
            raise ArgumentError(what + (f" ({hint})" if hint and len(of.natural_key) > 1 else ""))
    left = [name for name in of.natural_key if name not in given]
    if left:
        raise ArgumentError(f"{of.name} is looked up by {wanted}: {', '.join(left)} is missing")
    return tuple(_text(of, name, given[name]) for name in of.natural_key)


def _text(of: Dimension, name: str, value: object) -> str:
    if value is None:
        raise SettingsError(f"{of.name} has no member without a value of {name}")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if "\0" in text:
        raise SettingsError(f"{name} holds a NUL character, which no value has")
    return text

"""Redis, as the few things that a cache of members asks of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.cache.settings import CacheSettings
from engine.cache.space import Space
from engine.logs import redact

TIMEOUT = 1.0  # seconds for an answer: a lookup that waits longer is quicker by the warehouse
BATCH = 500  # members in one script or pipeline

# Redis runs a script as one: what is true at its first line is true at its last.
SWAP = """
if (redis.call('get', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if tonumber(ARGV[3]) > 0 then redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
else redis.call('set', KEYS[1], ARGV[2]) end
return 1
"""
FILL = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
for n = 2, #KEYS do redis.call('set', KEYS[n], ARGV[n + 1], 'EX', ARGV[2]) end
return 1
"""


class CacheError(Exception):
    """Redis did not do what it was asked; the warehouse is there for that."""


class Store:
    """Redis, for any thread. Every failure is a CacheError, after a second at the latest."""

    def __init__(self, settings: CacheSettings) -> None:
        self._where = settings.describe()
        options: dict[str, Any] = dict(settings.options)
        if "ssl_check_hostname" in options:
            options["ssl_check_hostname"] = options["ssl_check_hostname"].lower() in ("1", "true")
        with self._failing():
            self._redis: Any = redis.Redis(
                host=settings.host,
                port=settings.port,
                db=settings.database,
                username=settings.user or None,
                password=settings.secret.reveal() if settings.secret else None,
                ssl=settings.tls,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
                protocol=2,  # of 3 a refused password is told as a misused HELLO
                **options,
            )
            self._swap = self._redis.register_script(SWAP)
            self._fill = self._redis.register_script(FILL)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (redis.RedisError, OSError, ValueError) as error:
            what = str(error).strip() or type(error).__name__
            raise CacheError(redact(f"redis at {self._where}: {what}")) from error

    def state(self, space: Space) -> str:
        """Return the state of a dimension, empty when there is none."""
        with self._failing():
            return self._redis.get(space.state) or ""

    def read(
        self, space: Space, epoch: str, keys: Sequence[Sequence[str]]
    ) -> tuple[str, list[str | None]]:
        """Return the state, and the members under an epoch, both of one moment."""
        with self._failing():
            names = [space.state, *(space.key(epoch, key) for key in keys)]
            state, *found = self._redis.mget(names)
            return state or "", found

    def swap(self, space: Space, old: str, new: str, seconds: int = 0) -> bool:
        """Exchange the state if it is `old`, and say whether it was; with `seconds` it then vanishes."""
        with self._failing():
            return bool(self._swap(keys=[space.state], args=[old, new, seconds]))

    def fill(
        self, space: Space, state: str, epoch: str, members: Mapping[tuple[str, ...], str]
    ) -> None:
        """Keep members that were read from the warehouse, as long as the state is what it was then."""
        pairs = list(members.items())
        for n in range(0, len(pairs), BATCH):
            batch = pairs[n : n + BATCH]
            keys = [space.state, *(space.key(epoch, key) for key, _ in batch)]
            with self._failing():
                if not self._fill(keys=keys, args=[state, space.ttl, *(m for _, m in batch)]):
                    return

    def write(self, space: Space, epoch: str, members: Sequence[tuple[Sequence[str], str]]) -> None:
        """Put members under an epoch, whatever the state is: the caller holds it."""
        with self._failing(), self._redis.pipeline(transaction=False) as pipeline:
            for key, member in members:
                pipeline.set(space.key(epoch, key), member, ex=space.ttl)
            pipeline.execute()

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

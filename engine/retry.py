"""Tries again what failed for a reason that passes, in bounds of attempts and of seconds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential_jitter,
)

from engine.errors import EngineError, RunError
from engine.logs import redact

# SQLSTATE, or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
TRANSIENT_CLASS = "08"  # connection exception
PERMANENT_STATES = {"08P01"}  # protocol violation: PgBouncer says so for a wrong database or user
TRANSIENT_STATES = {
    "40001",  # serialization failure, also a conflict with recovery on a standby
    "40P01",  # deadlock
    "53300",  # too many connections
    "55P03",  # a lock was not given within lock_timeout
    "57P01",  # the server is being stopped
    "57P02",  # another server process crashed
    "57P03",  # the server is starting up
}

# psycopg2 gives no SQLSTATE when a connection fails, so that only libpq's text is left. What libpq
# says itself is English; what the server says is in its lc_messages, and where that is another
# language, a failed connection counts as permanent. The permanent texts decide first: of a host
# with two addresses, one may refuse the connection and the other the password.
UNKNOWN_HOST = ("name or service not known", "nodename nor servname")
PERMANENT_TEXTS = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "is not permitted to log in",
    "permission denied",
    "certificate verify failed",
    "certificate file",
    "does not support ssl",
    *UNKNOWN_HOST,
)
TRANSIENT_TEXTS = (
    "connection refused",
    "connection reset",
    "connection timed out",
    "timeout expired",
    "server closed the connection",
    "connection not open",
    "connection already closed",
    "no connection to the server",
    "could not receive data from server",
    "could not send data to server",
    "ssl syscall error",
    "ssl connection has been closed",
    "temporary failure in name resolution",
    "network is unreachable",
    "no route to host",
    "is the server running locally",
    "is starting up",
    "is shutting down",
    "not yet accepting connections",
    "in recovery mode",
    "too many clients",
    "too many connections",
    "remaining connection slots",
    "terminating connection",
)

logger = logging.getLogger(__name__)


def retrying(
    what: str,
    *,
    attempts: int = 5,
    seconds: float = 60,
    first_wait: float = 0.5,
    longest_wait: float = 15,
    sleep: Callable[[float], None] = time.sleep,
) -> Retrying:
    """Return a caller that tries again while the error is transient, then raises the last error.

    `retrying("connecting to the source")(function, argument)`. The waits, in seconds, double from
    the first to the longest, with a random part of up to `first_wait` so that many clients do not
    come back as one; none begins that would end `seconds` after the first attempt. Each is logged.
    """

    def announce(state: RetryCallState) -> None:
        wait = state.next_action.sleep if state.next_action else 0.0
        error = state.outcome.exception() if state.outcome else None
        logger.warning(
            "%s failed (attempt %d of %d), next attempt in %.1f s: %s",
            what,
            state.attempt_number,
            attempts,
            wait,
            _reason(error),
            extra={"attempt": state.attempt_number, "wait": round(wait, 3)},
        )

    return Retrying(
        sleep=sleep,
        stop=stop_after_attempt(attempts) | stop_before_delay(seconds),
        wait=wait_exponential_jitter(multiplier=first_wait, max=longest_wait, jitter=first_wait),
        retry=retry_if_exception(is_transient),
        before_sleep=announce,
        reraise=True,
    )


def is_transient(error: BaseException) -> bool:
    """Return whether trying again may help.

    An error of the engine says so itself. Otherwise the first of the chain (SQLAlchemy's orig, then
    the cause) that psycopg2 raised decides: by its SQLSTATE, or by its text where it has none.
    """
    for each in _chain(error):
        if isinstance(each, EngineError):
            return isinstance(each, RunError) and each.transient
        if _is_from_driver(each):
            state = getattr(each, "pgcode", None)
            return _is_transient_state(state) if state else _is_transient_text(str(each))
    return False


def is_unknown_host(error: BaseException) -> bool:
    """Return whether the host's name is not known. A container has none while it is stopped."""
    return any(known in str(error).lower() for known in UNKNOWN_HOST)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        original = getattr(following, "orig", None)
        following = original if isinstance(original, BaseException) else following.__cause__


def _is_from_driver(error: BaseException) -> bool:
    """Return whether psycopg2 raised it: by name, so that this floor imports no driver."""
    return any(kind.__module__.partition(".")[0] == "psycopg2" for kind in type(error).__mro__)


def _is_transient_state(state: str) -> bool:
    if state in PERMANENT_STATES:
        return False
    return state.startswith(TRANSIENT_CLASS) or state in TRANSIENT_STATES


def _is_transient_text(text: str) -> bool:
    lower = text.lower()
    if any(known in lower for known in PERMANENT_TEXTS):
        return False
    return any(known in lower for known in TRANSIENT_TEXTS)


def _reason(error: BaseException | None) -> str:
    """Return the error in one redacted line."""
    return redact(" ".join(str(error).split())) or type(error).__name__

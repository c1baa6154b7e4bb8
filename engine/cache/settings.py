"""REDIS_URL, or REDIS_HOST and so on, become the settings of the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from urllib.parse import parse_qsl, unquote, urlsplit

from engine import logs
from engine.errors import SettingsError, did_you_mean
from engine.settings import KUBERNETES, Draft, Secret, secret_of
from engine.values import dataclass

PARTS = ("URL", "HOST", "PORT", "DB", "USER", "PASSWORD", "PASSWORD_FILE")
FORM = "redis://user:password@host:port/0"
SCHEMES = ("redis", "rediss")
# Of redis-py; what is not here would end in a traceback of it.
OPTIONS = (
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
)
VERIFIED = ("none", "optional", "required")


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """How to reach Redis; `options` are further keywords of redis-py, all about TLS."""

    host: str
    port: int = 6379
    database: int = 0
    user: str = ""
    secret: Secret | None = None
    tls: bool = False
    options: tuple[tuple[str, str], ...] = field(default=())

    def describe(self) -> str:
        """Return host:port/database, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.database}"


def cache_settings(environ: Mapping[str, str]) -> CacheSettings | None:
    """Return the settings of the cache, None when there are none; one SettingsError says all problems."""
    given = {part: environ.get(f"REDIS_{part}", "") for part in PARTS}
    draft = Draft("REDIS", {part: value for part, value in given.items() if value})
    if not draft.given:
        return None
    words = _from_url(draft) if "URL" in draft.given else dict(draft.given)
    if not words.get("HOST") and not draft.problems:
        draft.wrong("HOST", f"is missing: give it, or REDIS_URL in the form {FORM}")
    secret = secret_of(draft, words.get("PASSWORD", "") if "URL" in draft.given else "")
    port, database = _number(draft, words, "PORT", 6379), _number(draft, words, "DB", 0)
    if any(ord(letter) < 32 for letter in words.get("HOST", "") + words.get("USER", "")):
        draft.wrong("URL" if "URL" in draft.given else "HOST", "holds a control character")
    if draft.problems:
        raise SettingsError("\n".join(draft.problems))
    options = tuple((name, value) for name, value in words.items() if name in OPTIONS)
    tls = words.get("SCHEME") == "rediss"
    return CacheSettings(words["HOST"], port, database, words.get("USER", ""), secret, tls, options)


def _number(draft: Draft, words: Mapping[str, str], part: str, default: int) -> int:
    text = words.get(part, "")
    lowest, highest = (1, 65_535) if part == "PORT" else (0, 1_000_000)
    if not text:
        return default
    if text.isascii() and text.isdigit() and lowest <= int(text[:9]) <= highest:
        return int(text)
    hint = f"; {KUBERNETES}" if "://" in text else ""
    what = "no port number from 1 to 65535" if part == "PORT" else "no number of a database"
    draft.wrong("URL" if "URL" in draft.given else part, f"this is {what}{hint}")
    return default


def _from_url(draft: Draft) -> dict[str, str]:
    """Return the parts that the URL gives; no message quotes it, since a part may be secret."""
    for part in PARTS[1:-1]:
        if part in draft.given:
            hint = f"; {KUBERNETES}" if "://" in draft.given[part] else ""
            draft.wrong(part, f"REDIS_URL is given too; drop one of the two{hint}")
    try:
        parts = urlsplit(draft.given["URL"])
        port = str(parts.port or "")
    except ValueError:
        draft.wrong("URL", f"cannot be read as {FORM}; in a password write / as %2F and @ as %40")
        return {}
    logs.register(parts.password or "")
    if parts.scheme not in SCHEMES or not parts.hostname:
        draft.wrong("URL", f"cannot be read as {FORM}, or rediss:// for TLS")
        return {}
    words = {"SCHEME": parts.scheme, "HOST": parts.hostname, "PORT": port}
    words |= {"DB": parts.path.strip("/"), "USER": unquote(parts.username or "")}
    words["PASSWORD"] = unquote(parts.password or "")
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in OPTIONS and parts.scheme == "rediss":
            words[name] = value
        else:
            draft.wrong(
                "URL", f"an option is not known, or needs rediss:// ({did_you_mean(name, OPTIONS)})"
            )
    if words.get("ssl_cert_reqs", "none") not in VERIFIED:
        draft.wrong("URL", f"ssl_cert_reqs is {VERIFIED[0]}, {VERIFIED[1]} or {VERIFIED[2]}")
    return words

"""Environment variables and secret files become settings; all that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import cast, get_args

from engine import logs
from engine.errors import SettingsError, did_you_mean
from engine.mapping.model import Connection
from engine.url import FORM, read_url
from engine.values import dataclass

# The last word of a variable: the keyword of libpq that it gives.
PLACE = {"HOST": "host", "PORT": "port", "DB": "dbname", "USER": "user"}
TLS = {
    "SSLMODE": "sslmode",
    "SSLROOTCERT": "sslrootcert",
    "SSLCERT": "sslcert",
    "SSLKEY": "sslkey",
}
SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
DEFAULTS: dict[str, str | int] = {
    "application_name": "star-schema-engine",
    "connect_timeout": 10,  # seconds, for each address of the host
    # A peer that has vanished is noticed after a minute; the system's default is two hours.
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds: also when it vanished while rows were being sent to it
}
EMBEDDED = (
    "SOURCE",
    "WAREHOUSE",
)  # the prefixes for which the databases of `engine demo` can stand
KUBERNETES = "Kubernetes sets it for a service of that name, unless enableServiceLinks is false"
LONGEST_SECRET = 65_536  # bytes; a larger file is not a password
LEVELS = ("debug", "info", "warning", "error", "critical")


class Secret:
    """A text that shows itself as ***, and that the logs hide from the moment it exists.

    `origin` is the variable that has it, or names its file.
    """

    __slots__ = ("_text", "origin")

    def __init__(self, text: str, origin: str = "") -> None:
        self._text = text
        self.origin = origin
        logs.register(text)

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Secret({logs.HIDDEN})"

    def __str__(self) -> str:
        return logs.HIDDEN


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """How to reach one database; `options` are further keywords of libpq, such as sslmode."""

    prefix: str
    host: str
    database: str
    user: str
    port: int = 5432
    secret: Secret | None = None
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # one may be sslpassword

    def connect_args(self) -> dict[str, str | int]:
        """Return the keywords of psycopg2.connect, the password among them."""
        arguments: dict[str, str | int] = {**DEFAULTS, **dict(self.options)}
        arguments |= {"host": self.host, "port": self.port}
        arguments |= {"dbname": self.database, "user": self.user}
        return arguments | ({"password": self.secret.reveal()} if self.secret else {})

    def describe(self) -> str:
        """Return user@host:port/database, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{self.port}/{self.database}"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How to log: the form of a line, the lowest level that is written, and a file besides."""

    form: logs.LogFormat
    level: str
    file: Path | None = None


@dataclass(slots=True)
class Draft:
    """The variables of one connection while they are read, and what is wrong with them."""

    prefix: str
    given: dict[str, str]
    problems: list[str] = field(default_factory=list)
    incomplete: bool = False

    def wrong(self, part: str, what: str) -> None:
        """Note what is wrong with the variable of this part."""
        self.problems.append(f"{self.prefix}_{part}: {what}")


def settings_for(
    connections: Iterable[Connection], environ: Mapping[str, str]
) -> dict[str, ConnectionSettings]:
    """Return the settings of each connection by its name; one SettingsError says all problems."""
    found: dict[str, ConnectionSettings] = {}
    problems: dict[str, None] = {}  # in order, and once for two connections of one prefix
    incomplete: list[str] = []
    for connection in connections:
        draft = _draft(connection.env, environ)
        settings = _settings(draft)
        if settings:
            found[connection.name] = settings
        problems |= dict.fromkeys(draft.problems)
        incomplete += [connection.env] if draft.incomplete else []
    if incomplete:
        problems[_instead(incomplete)] = None
    if problems:
        raise SettingsError("\n".join(problems))
    return found


def _instead(incomplete: Sequence[str]) -> str:
    """Say what can be done without settings, and which of those that are incomplete it does not replace."""
    if not set(incomplete) & set(EMBEDDED):
        return (
            f"the databases of `engine demo` (--embedded) stand for {' and '.join(EMBEDDED)} alone"
        )
    hint = "`engine demo` needs no settings, and --embedded uses its databases"
    others = set(incomplete) - set(EMBEDDED)
    return f"{hint}, which stand for {' and '.join(EMBEDDED)} alone" if others else hint


def log_settings(environ: Mapping[str, str], *, terminal: bool) -> LogSettings:
    """Return how to log: LOG_FORMAT (text on a terminal, else json), LOG_LEVEL (info), LOG_FILE (none)."""
    form = environ.get("LOG_FORMAT", "").lower() or ("text" if terminal else "json")
    level = environ.get("LOG_LEVEL", "").lower() or "info"
    forms = get_args(logs.LogFormat)
    problems = [
        f"{variable}: '{value}' is not one of {', '.join(known)}"
        for variable, value, known in (("LOG_FORMAT", form, forms), ("LOG_LEVEL", level, LEVELS))
        if value not in known
    ]
    if problems:
        raise SettingsError("\n".join(problems))
    file = environ.get("LOG_FILE", "")
    return LogSettings(cast("logs.LogFormat", form), level.upper(), Path(file) if file else None)


def _draft(prefix: str, environ: Mapping[str, str]) -> Draft:
    parts = ("URL", *PLACE, "PASSWORD", "PASSWORD_FILE", *TLS)
    values = {part: environ.get(f"{prefix}_{part}", "") for part in parts}
    return Draft(prefix, {part: value for part, value in values.items() if value})


def _settings(draft: Draft) -> ConnectionSettings | None:
    """Return what the draft says, or None after its problems are noted."""
    keywords = _from_url(draft) if "URL" in draft.given else _from_parts(draft)
    for part, keyword in TLS.items():
        if part in draft.given and keyword in keywords:
            draft.wrong(part, f"{draft.prefix}_URL has {keyword} already; drop one of the two")
        elif part in draft.given:
            keywords[keyword] = draft.given[part]
    secret = secret_of(draft, keywords.pop("password", ""))
    _examine(draft, keywords)
    if draft.problems:
        return None
    place = {keyword: keywords.pop(keyword) for keyword in ("host", "dbname", "user")}
    port = int(keywords.pop("port", "") or 5432)
    options = tuple(sorted(keywords.items()))
    return ConnectionSettings(
        draft.prefix, place["host"], place["dbname"], place["user"], port, secret, options
    )


def _from_parts(draft: Draft) -> dict[str, str]:
    """Return the keywords that the parts give, after noting which are missing."""
    prefix = draft.prefix
    need = [f"{prefix}_{part}" for part in ("HOST", "DB", "USER") if part not in draft.given]
    if need:
        draft.incomplete = True
        what = f"{prefix}_URL" if len(need) == 3 else " and ".join(need)
        draft.problems.append(
            f"{what} {'is' if len(need) in (1, 3) else 'are'} missing: give {prefix}_URL, or "
            f"{prefix}_HOST, {prefix}_DB, {prefix}_USER (and {prefix}_PORT, {prefix}_PASSWORD or "
            f"{prefix}_PASSWORD_FILE)"
        )
    return {PLACE[part]: value for part, value in draft.given.items() if part in PLACE}


def _from_url(draft: Draft) -> dict[str, str]:
    """Return the keywords that the URL gives; no message quotes it, since a part may be secret."""
    for part in (*PLACE, "PASSWORD"):
        if part in draft.given:
            hint = f"; {KUBERNETES}" if part == "PORT" and "://" in draft.given[part] else ""
            draft.wrong(part, f"{draft.prefix}_URL is given too; drop one of the two{hint}")
    try:
        keywords = read_url(draft.given["URL"])
    except ValueError as error:
        draft.wrong("URL", str(error))
        return {}
    names = {"host": "host", "user": "user", "dbname": "database"}
    missing = [name for keyword, name in names.items() if not keywords.get(keyword)]
    if missing:
        draft.incomplete = True
        draft.wrong("URL", f"names no {' and no '.join(missing)}; the form is {FORM}")
    return keywords


def secret_of(draft: Draft, in_url: str) -> Secret | None:
    """Return the password from where it is given, or None: then libpq looks into its passfile."""
    direct, file = draft.given.get("PASSWORD", ""), draft.given.get("PASSWORD_FILE", "")
    if file and (direct or in_url):
        other = f"{draft.prefix}_PASSWORD" if direct else f"{draft.prefix}_URL with a password"
        draft.wrong("PASSWORD_FILE", f"{other} is given too; drop one of the two")
        return None
    password = in_url or direct or (_content(draft, Path(file)) if file else "")
    part = "URL" if in_url else "PASSWORD" if direct else "PASSWORD_FILE"
    if "\0" in password:
        draft.wrong(part, "the password holds a zero byte")
    return Secret(password, f"{draft.prefix}_{part}") if password else None


def _content(draft: Draft, path: Path) -> str:
    """Return the password in the file, or nothing after noting why there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET + 1)
        # Editors on Windows begin a file with a byte order mark and end its lines by \r\n.
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        draft.wrong("PASSWORD_FILE", f"cannot read {path}: {(error.strerror or 'failed').lower()}")
    except UnicodeDecodeError:
        draft.wrong("PASSWORD_FILE", f"{path} is not text in UTF-8")
    else:
        if text and len(content) <= LONGEST_SECRET:
            return text
        what = "is larger than any password" if text else "is empty"
        draft.wrong("PASSWORD_FILE", f"{path} {what}")
    return ""


def _examine(draft: Draft, keywords: Mapping[str, str]) -> None:
    """Note values that no database would take."""
    parts = {keyword: part for part, keyword in {**PLACE, **TLS}.items() if part in draft.given}
    for keyword, value in keywords.items():
        part = parts.get(keyword, "URL")
        if any(ord(letter) < 32 for letter in value):
            draft.wrong(part, f"the {keyword} holds a control character, perhaps a line end")
    port = keywords.get("port", "")
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port[:9]) <= 65_535):
        hint = f"; {KUBERNETES}" if "://" in port else ""
        draft.wrong(parts.get("port", "URL"), f"this is no port number from 1 to 65535{hint}")
    mode = keywords.get("sslmode", "prefer")
    if mode not in SSLMODES:
        hint = did_you_mean(mode, SSLMODES)
        draft.wrong(parts.get("sslmode", "URL"), f"sslmode '{mode}' is not known ({hint})")

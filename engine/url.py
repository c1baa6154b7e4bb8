"""The URL of a database becomes the keywords of libpq, by the rules of libpq."""

from __future__ import annotations

import re
from difflib import get_close_matches
from urllib.parse import unquote

from engine import logs

FORM = "postgresql://user:password@host:port/database"
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg2")
REST = re.compile(r"(?P<authority>[^/?]*)(?:/(?P<dbname>[^?]*))?(?:\?(?P<query>.*))?", re.DOTALL)
PLACE = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\],]*)(?::(?P<port>\d*))?", re.ASCII)
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
OPTIONS = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "oauth_client_id",
        "oauth_client_secret",
        "oauth_issuer",
        "oauth_scope",
        "options",
        "passfile",
        "password",
        "port",
        "replication",
        "require_auth",
        "requirepeer",
        "requiressl",
        "scram_client_key",
        "scram_server_key",
        "service",
        "servicefile",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslkeylogfile",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
        "user",
    ]
)


def read_url(url: str) -> dict[str, str]:
    """Return host, port, user, password, dbname and what follows the question mark, where given.

    ValueError says what is wrong without quoting the URL, of which any part may be the password.
    urllib.parse is not used: it makes a host lower case, though a socket's folder is one, and drops
    tabs and line ends in silence. One leniency beyond libpq: a password may hold an @ as it is.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise ValueError(f"begins with none of {known}")
    parts = REST.fullmatch(rest)
    user_info, _, location = (parts["authority"] if parts else "").rpartition("@")
    user, _, password = user_info.partition(":")
    logs.register(password)  # as it is written here; what it means is registered as a Secret
    place = PLACE.fullmatch(location)
    if (
        not parts or not place or "@" in (parts["dbname"] or "")
    ):  # then a / of the password was read as its end
        raise ValueError(
            f"cannot be read as {FORM}; name one host only, and in names and passwords write "
            "% as %25, / as %2F, : as %3A and ? as %3F"
        )
    pairs = [("host", place["host"].strip("[]")), ("port", place["port"]), ("user", user)]
    pairs += [("password", password), ("dbname", parts["dbname"])]
    given = [(keyword, _decoded(value)) for keyword, value in pairs if value]
    given += [_option(text) for text in (parts["query"] or "").split("&") if text]
    keywords = dict(given)
    if len(keywords) < len(given):
        twice = sorted({keyword for keyword in keywords if _count(given, keyword) > 1})
        raise ValueError(f"names its {' and its '.join(twice)} twice")
    return keywords


def _count(given: list[tuple[str, str]], keyword: str) -> int:
    return sum(1 for each, _ in given if each == keyword)


def _option(text: str) -> tuple[str, str]:
    """Return the keyword and value of one part of the query, such as sslmode=require."""
    if text == "ssl=true":  # as JDBC writes it, which libpq understands in a URL and nowhere else
        return "sslmode", "require"
    keyword, equals, value = text.partition("=")
    if not equals or keyword not in OPTIONS:
        close = get_close_matches(keyword, OPTIONS, n=1, cutoff=0.6) if equals else ()
        hint = (
            f" (did you mean '{close[0]}'?)" if close else ""
        )  # what stands there may be a secret
        raise ValueError(
            f"has an option after the question mark that is not keyword=value of libpq{hint}"
        )
    return keyword, _decoded(value)


def _decoded(text: str) -> str:
    """Return the text with its %-codes undone; `unquote` alone would pass over broken ones."""
    if not re.search(r"%(?![0-9A-Fa-f]{2})", text):
        try:
            return unquote(text, errors="strict")
        except UnicodeDecodeError:
            pass
    raise ValueError("has a % that begins no code of UTF-8; write it as %25")

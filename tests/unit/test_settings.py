import os
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg2.extensions
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import logs
from engine.errors import SettingsError
from engine.mapping.model import Connection
from engine.settings import (
    ConnectionSettings,
    Secret,
    log_settings,
    settings_for,
)

PARTS = {
    "SOURCE_HOST": "db.example.com",
    "SOURCE_DB": "shop",
    "SOURCE_USER": "reader",
    "SOURCE_PASSWORD": "zebra crossing",
}
DEMO = "`engine demo` needs no settings, and --embedded uses its databases"
URL = "postgresql://reader:zebra%20crossing@db.example.com:5433/shop"


@pytest.fixture(autouse=True)
def redactor(monkeypatch):
    """Keep the passwords of one test out of the log of the next."""
    fresh = logs.Redactor()
    monkeypatch.setattr(logs, "REDACTOR", fresh)
    return fresh


def connection_settings(prefix, environ):
    return settings_for([Connection("it", prefix)], environ)["it"]


def refused(environ, prefix="SOURCE"):
    with pytest.raises(SettingsError) as caught:
        connection_settings(prefix, environ)
    return str(caught.value).removesuffix(f"\n{DEMO}")


def test_parts():
    settings = connection_settings("SOURCE", PARTS)
    assert settings == ConnectionSettings(
        "SOURCE", "db.example.com", "shop", "reader", 5432, Secret("zebra crossing")
    )
    assert settings.describe() == "reader@db.example.com:5432/shop"


def test_each_prefix_reads_its_own():
    environ = PARTS | {"SOURCE_URL": "", "CRM_URL": "postgres://a:bbbb@crm:1/x"}
    assert connection_settings("CRM", environ).host == "crm"
    assert connection_settings("SOURCE", environ).host == "db.example.com"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_url(scheme):
    settings = connection_settings("SOURCE", {"SOURCE_URL": f"{scheme}{URL[10:]}"})
    assert settings == ConnectionSettings(
        "SOURCE", "db.example.com", "shop", "reader", 5433, Secret("zebra crossing")
    )


def test_arguments_of_psycopg2():
    environ = PARTS | {"SOURCE_SSLMODE": "verify-full", "SOURCE_SSLROOTCERT": "/ca.pem"}
    arguments = connection_settings("SOURCE", environ).connect_args()
    assert (
        arguments.items()
        >= {
            "host": "db.example.com",
            "port": 5432,
            "dbname": "shop",
            "user": "reader",
            "password": "zebra crossing",
            "sslmode": "verify-full",
            "sslrootcert": "/ca.pem",
            "application_name": "star-schema-engine",
            "connect_timeout": 10,
            "keepalives": 1,
        }.items()
    )
    # libpq knows every keyword: this raises where it does not.
    psycopg2.extensions.make_dsn(**arguments)


def test_options_of_a_url_pass_through_and_win_over_the_defaults():
    options = "sslmode=require&application_name=nightly&connect_timeout=3&options=-c%20geqo%3Doff"
    arguments = connection_settings("SOURCE", {"SOURCE_URL": f"{URL}?{options}"}).connect_args()
    assert arguments["sslmode"] == "require"
    assert arguments["application_name"] == "nightly"
    assert arguments["connect_timeout"] == "3"
    assert arguments["options"] == "-c geqo=off"
    assert arguments["keepalives"] == 1


def test_a_plus_in_a_url_is_a_plus_as_in_libpq():
    settings = connection_settings(
        "SOURCE", {"SOURCE_URL": "postgresql://u:one+two@h/d?passfile=/a+b"}
    )
    assert settings.secret.reveal() == "one+two"
    assert dict(settings.options) == {"passfile": "/a+b"}


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://u:pppp@[2001:db8::1]:6000/d", "2001:db8::1", 6000),
        ("postgresql://u@%2Fvar%2FRun/d", "/var/Run", 5432),
        ("postgresql://u@/d?host=/var/Run&port=6000", "/var/Run", 6000),
        ("postgresql:///d?host=h&user=u", "h", 5432),
        ("postgresql://h?dbname=d&user=u", "h", 5432),
        ("postgresql://u@H:/d", "H", 5432),
    ],
)
def test_hosts_in_a_url(url, host, port):
    settings = connection_settings("SOURCE", {"SOURCE_URL": url})
    assert (settings.host, settings.port, settings.database, settings.user) == (
        host,
        port,
        "d",
        "u",
    )


def test_an_address_with_colons_is_described_in_brackets():
    settings = ConnectionSettings("SOURCE", "::1", "d", "u")
    assert settings.describe() == "u@[::1]:5432/d"


def test_ssl_as_jdbc_writes_it():
    settings = connection_settings("SOURCE", {"SOURCE_URL": f"{URL}?ssl=true"})
    assert settings.options == (("sslmode", "require"),)


@settings(deadline=None)
@given(
    user=st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1),
    password=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    database=st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1),
)
def test_any_encoded_url_comes_back(user, password, database):
    parts = (quote(text, safe="") for text in (user, password, database))
    url = "postgresql://{}:{}@h:1/{}".format(*parts)
    settings = connection_settings("SOURCE", {"SOURCE_URL": url})
    assert (settings.user, settings.database) == (user, database)
    assert settings.secret.reveal() == password


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_text_as_a_url_is_read_or_refused(start, rest):
    for url in (start, f"postgresql://{rest}", f"postgresql://u:{start}@h/{rest}"):
        if url:
            with suppress(SettingsError):
                assert connection_settings("SOURCE", {"SOURCE_URL": url}).host


@pytest.mark.parametrize("password", ["a@b@c", "se#cret", "se'cr\"et", "mit Blank"])
def test_passwords_that_need_no_encoding(password):
    settings = connection_settings("SOURCE", {"SOURCE_URL": f"postgresql://u:{password}@h/d"})
    assert settings.secret.reveal() == password
    assert settings.host == "h"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:zebra@h/d", "begins with none of postgresql://, postgres://"),
        ("host=h password=zebra", "begins with none of"),
        ("postgresql://u:zebra/x@h/d", "cannot be read as"),
        ("postgresql://u:zebra?x@h/d", "cannot be read as"),
        ("postgresql://u:zebra%@h/d", "has a % that begins no code"),
        ("postgresql://u:zebra%ff@h/d", "has a % that begins no code"),
        ("postgresql://u:zebra%00@h/d", "the password holds a zero byte"),
        ("postgresql://u:zebra@h1,h2/d", "name one host only"),
        ("postgresql://u:zebra@h:99999/d", "no port number from 1 to 65535"),
        ("postgresql://u:zebra@h:0/d", "no port number from 1 to 65535"),
        ("postgresql://u:zebra@h:x/d", "cannot be read as"),
        ("postgresql://u:zebra@h:٣/d", "cannot be read as"),
        ("postgresql://u:zebra@h", "names no database"),
        ("postgresql://", "names no host and no user and no database"),
        ("postgresql://u:zebra@h/d\n", "the dbname holds a control character"),
        ("postgresql://u:zebra@h/d?host=other", "names its host twice"),
        ("postgresql://u:zebra@h/d?sslmode", "has an option after the question mark"),
        ("postgresql://u:zebra@h/d?async=1", "has an option after the question mark"),
        ("postgresql://u:zebra@h/d?sslmode=required", "(did you mean 'require'?)"),
    ],
)
def test_refused_urls_say_why_and_never_the_password(url, problem):
    message = refused({"SOURCE_URL": url})
    assert message.startswith("SOURCE_URL: ")
    assert problem in message
    assert "zebra" not in message


@pytest.mark.parametrize(
    ("missing", "start"),
    [
        ({"SOURCE_HOST", "SOURCE_DB", "SOURCE_USER"}, "SOURCE_URL is missing: give SOURCE_URL, or"),
        ({"SOURCE_DB"}, "SOURCE_DB is missing: "),
        ({"SOURCE_HOST", "SOURCE_USER"}, "SOURCE_HOST and SOURCE_USER are missing: "),
    ],
)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_missing_parts(missing, start, how):
    environ = {name: value for name, value in PARTS.items() if name not in missing}
    environ |= dict.fromkeys(missing, "") if how == "empty" else {}
    message = refused(environ)
    assert message.startswith(start)
    assert message.endswith(
        "give SOURCE_URL, or SOURCE_HOST, SOURCE_DB, SOURCE_USER "
        "(and SOURCE_PORT, SOURCE_PASSWORD or SOURCE_PASSWORD_FILE)"
    )


@pytest.mark.parametrize("port", ["0", "65536", "-1", "5432.0", "abc", " 5432", "٣", "9" * 5000])
def test_ports_that_are_none(port):
    assert refused(PARTS | {"SOURCE_PORT": port}) == (
        "SOURCE_PORT: this is no port number from 1 to 65535"
    )


@pytest.mark.parametrize("port", ["1", "65535"])
def test_ports_at_the_border(port):
    assert connection_settings("SOURCE", PARTS | {"SOURCE_PORT": port}).port == int(port)


def test_a_port_from_kubernetes_is_explained():
    problem = {"SOURCE_PORT": "tcp://10.0.0.1:5432"}
    assert "Kubernetes" in refused(PARTS | problem)
    assert "Kubernetes" in refused({"SOURCE_URL": URL} | problem)


@pytest.mark.parametrize(
    "extra",
    [
        {"SOURCE_HOST": "other"},
        {"SOURCE_PORT": "5433"},
        {"SOURCE_DB": "other"},
        {"SOURCE_USER": "other"},
        {"SOURCE_PASSWORD": "other"},
    ],
)
def test_a_url_and_a_part_contradict_each_other(extra):
    (name,) = extra
    assert refused({"SOURCE_URL": URL} | extra) == (
        f"{name}: SOURCE_URL is given too; drop one of the two"
    )


def test_tls_parts_complete_a_url_but_do_not_repeat_it():
    environ = {"SOURCE_URL": f"{URL}?sslmode=require", "SOURCE_SSLCERT": "/me.pem"}
    assert connection_settings("SOURCE", environ).options == (
        ("sslcert", "/me.pem"),
        ("sslmode", "require"),
    )
    assert refused(environ | {"SOURCE_SSLMODE": "disable"}) == (
        "SOURCE_SSLMODE: SOURCE_URL has sslmode already; drop one of the two"
    )


def test_a_control_character_in_a_part_is_named():
    assert refused(PARTS | {"SOURCE_HOST": "db\r"}) == (
        "SOURCE_HOST: the host holds a control character, perhaps a line end"
    )


@pytest.fixture
def secret_file(tmp_path):
    def write(content: bytes) -> str:
        path = tmp_path / "password"
        path.write_bytes(content)
        return str(path)

    return write


def from_file(path):
    environ = {name: value for name, value in PARTS.items() if name != "SOURCE_PASSWORD"}
    return environ | {"SOURCE_PASSWORD_FILE": path}


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"zebra", "zebra"),
        (b"zebra\n", "zebra"),
        (b"zebra\r\n", "zebra"),
        (b"zebra\n\n", "zebra"),
        (b" zebra\t \n", " zebra\t "),
        (b"\xef\xbb\xbfzebra\r\n", "zebra"),
        ("zébra✓\n".encode(), "zébra✓"),
        (b"one\ntwo\n", "one\ntwo"),
    ],
)
def test_secret_files(secret_file, content, password):
    assert (
        connection_settings("SOURCE", from_file(secret_file(content))).secret.reveal() == password
    )


def test_a_secret_file_completes_a_url_without_password(secret_file):
    environ = {"SOURCE_URL": "postgresql://u@h/d", "SOURCE_PASSWORD_FILE": secret_file(b"zebra\n")}
    assert connection_settings("SOURCE", environ).connect_args()["password"] == "zebra"


@pytest.mark.parametrize("other", [{"SOURCE_URL": URL}, PARTS])
def test_a_secret_file_beside_a_password(secret_file, other):
    message = refused(other | {"SOURCE_PASSWORD_FILE": secret_file(b"giraffe")})
    assert message.startswith("SOURCE_PASSWORD_FILE: SOURCE_")
    assert message.endswith("is given too; drop one of the two")
    assert "giraffe" not in message
    assert "zebra" not in message


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"giraffe\xff", "is not text in UTF-8"),
        (b"giraffe\0", "the password holds a zero byte"),
        (b"giraffe" * 10_000, "is larger than any password"),
    ],
)
def test_secret_files_that_hold_none(secret_file, content, problem):
    message = refused(from_file(secret_file(content)))
    assert message.startswith("SOURCE_PASSWORD_FILE: ")
    assert problem in message
    assert "giraffe" not in message


def test_secret_files_that_cannot_be_read(tmp_path):
    absent = str(tmp_path / "absent")
    assert refused(from_file(absent)) == (
        f"SOURCE_PASSWORD_FILE: cannot read {absent}: no such file or directory"
    )
    assert refused(from_file(str(tmp_path))) == (
        f"SOURCE_PASSWORD_FILE: cannot read {tmp_path}: is a directory"
    )


def test_a_secret_may_come_through_a_pipe():
    read, write = os.pipe()
    os.write(write, b"zebra\n")
    os.close(write)
    try:
        settings = connection_settings("SOURCE", from_file(f"/dev/fd/{read}"))
    finally:
        os.close(read)
    assert settings.secret.reveal() == "zebra"


def test_no_password_leaves_it_to_libpq():
    settings = connection_settings("SOURCE", {"SOURCE_URL": "postgresql://u@h/d?passfile=/p"})
    assert settings.secret is None
    assert "password" not in settings.connect_args()


@pytest.mark.parametrize(
    "environ", [PARTS, {"SOURCE_URL": URL}, {"SOURCE_URL": f"{URL}?sslpassword=zebra2"}]
)
def test_settings_never_show_the_password(environ):
    settings = connection_settings("SOURCE", environ)
    shown = f"{settings} {settings!r} {settings.secret} {settings.secret!r} {settings.describe()}"
    assert "zebra" not in shown
    assert settings.secret == Secret("zebra crossing")
    assert len({settings.secret, Secret("zebra crossing")}) == 1


def test_what_was_read_is_redacted_as_it_was_written_and_as_it_is_meant(redactor):
    connection_settings("SOURCE", {"SOURCE_URL": "postgresql://u:gir%61ffe'@h/d"})
    assert redactor.redact("giraffe' and gir%61ffe' and giraffe''") == "*** and *** and ***"


def test_what_was_refused_is_redacted_too(redactor):
    refused({"SOURCE_URL": "postgresql://u:giraffe%@h/d"})
    assert redactor.redact("giraffe%") == "***"


def test_all_connections_at_once():
    source, crm, twin, warehouse = (
        Connection("source", "SOURCE"),
        Connection("crm", "CRM"),
        Connection("twin", "CRM"),
        Connection("warehouse", "WAREHOUSE"),
    )
    with pytest.raises(SettingsError) as caught:
        settings_for(
            (source, crm, twin, warehouse),
            {"CRM_HOST": "h", "CRM_PORT": "x", "WAREHOUSE_URL": URL},
        )
    assert caught.value.exit_code == 2
    lines = str(caught.value).splitlines()
    assert [line.split(" ")[0] for line in lines] == [
        "SOURCE_URL",
        "CRM_DB",
        "CRM_PORT:",
        "`engine",
    ]
    assert lines[-1] == (
        "`engine demo` needs no settings, and --embedded uses its databases, "
        "which stand for SOURCE and WAREHOUSE alone"
    )

    environ = PARTS | {"CRM_URL": URL, "WAREHOUSE_URL": URL}
    found = settings_for((source, crm, twin, warehouse), environ)
    assert list(found) == ["source", "crm", "twin", "warehouse"]
    assert found["twin"] == found["crm"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (("CRM",), "`engine demo` needs no settings, and --embedded uses its databases"),
        (
            ("SOURCE",),
            "the databases of `engine demo` (--embedded) stand for SOURCE and WAREHOUSE alone",
        ),
    ],
)
def test_the_demo_is_named_for_what_it_can_stand_for(given, hint):
    environ = {f"{prefix}_URL": URL for prefix in given}
    with pytest.raises(SettingsError) as caught:
        settings_for([Connection("source", "SOURCE"), Connection("crm", "CRM")], environ)
    assert str(caught.value).splitlines()[1:] == [hint]


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({"SOURCE_URL": "postgresql://u:giraffe@h/d"}, "SOURCE_URL"),
        (PARTS | {"SOURCE_PASSWORD": "giraffe"}, "SOURCE_PASSWORD"),
    ],
)
def test_a_password_knows_from_which_variable_it_came(given, origin):
    assert connection_settings("SOURCE", given).secret.origin == origin


def test_the_demo_is_named_only_when_something_is_missing():
    with pytest.raises(SettingsError) as caught:
        settings_for([Connection("source", "SOURCE")], PARTS | {"SOURCE_PORT": "x"})
    assert "demo" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "terminal", "expected"),
    [
        ({}, True, ("text", "INFO")),
        ({}, False, ("json", "INFO")),
        ({"LOG_FORMAT": "", "LOG_LEVEL": ""}, False, ("json", "INFO")),
        ({"LOG_FORMAT": "JSON", "LOG_LEVEL": "Debug"}, True, ("json", "DEBUG")),
        ({"LOG_FORMAT": "text"}, False, ("text", "INFO")),
    ],
)
def test_log_settings(environ, terminal, expected):
    settings = log_settings(environ, terminal=terminal)
    assert (settings.form, settings.level, settings.file) == (*expected, None)


def test_a_log_file():
    assert log_settings({"LOG_FILE": "logs/e.log"}, terminal=True).file == Path("logs/e.log")
    assert log_settings({"LOG_FILE": ""}, terminal=True).file is None


def test_log_settings_that_are_wrong():
    with pytest.raises(SettingsError) as caught:
        log_settings({"LOG_FORMAT": "xml", "LOG_LEVEL": "loud"}, terminal=True)
    assert str(caught.value).splitlines() == [
        "LOG_FORMAT: 'xml' is not one of json, text",
        "LOG_LEVEL: 'loud' is not one of debug, info, warning, error, critical",
    ]


def test_the_example_names_every_variable_and_no_password():
    text = (Path(__file__).parents[2] / ".env.example").read_text()
    words = "URL HOST PORT DB USER PASSWORD PASSWORD_FILE SSLMODE SSLROOTCERT SSLCERT SSLKEY"
    wanted = {f"{prefix}_{word}" for prefix in ("SOURCE", "WAREHOUSE") for word in words.split()}
    root = Path(__file__).parents[2]
    composed = "\n".join(file.read_text() for file in root.glob("docker-compose*.yml"))
    wanted |= set(re.findall(r"(?:\$\{|\{environment: )([A-Z_]+)", composed))
    named = set(re.findall(r"^#? ?([A-Z_]+)=", text, re.MULTILINE))
    assert named == wanted | {"LOG_FORMAT", "LOG_LEVEL", "LOG_FILE"}
    assert set(re.findall(r"^#? ?[A-Z_]+_PASSWORD=(.*)$", text, re.MULTILINE)) == {""}

import io
import json
import logging
import re
import sys
import time
from contextvars import copy_context
from threading import Thread
from urllib.parse import quote, quote_plus

import psycopg2.extensions
import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.run
from engine import logs
from engine.cli import main
from engine.commands.run import listening
from engine.errors import RunError, SettingsError
from engine.logs import Redactor, bound, configure
from engine.plan.steps import Done
from tests.conftest import ROOT

logger = logging.getLogger("engine.test")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Leave the logging of the process, and its secrets, as they were."""
    root, engine = logging.getLogger(), logging.getLogger("engine")
    handlers, level = list(root.handlers), engine.level
    monkeypatch.setattr(logs, "REDACTOR", Redactor())
    yield
    root.handlers[:] = handlers
    engine.setLevel(level)


@pytest.fixture
def lines():
    """Log as JSON, and return the function that reads the lines so far."""
    stream = io.StringIO()
    configure("json", "DEBUG", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


class Unprintable:
    def __str__(self):
        raise ValueError("giraffe")


def test_json_has_the_fields_of_the_line(lines):
    extra = {"run_id": "r1", "mapping": "star", "step": "copy", "rows": 3, "seconds": 0.25}
    logger.info("loaded %d rows of %s", 3, "dim_users", extra=extra)
    (line,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == extra | {
        "level": "info",
        "logger": "engine.test",
        "message": "loaded 3 rows of dim_users",
    }


def test_the_timestamp_is_utc(lines):
    record = logging.LogRecord("engine.test", logging.INFO, "", 0, "x", (), None)
    record.created, record.msecs = 1_767_225_599.25, 250.0
    logger.handle(record)
    assert lines()[0]["timestamp"] == "2025-12-31T23:59:59.250Z"


def test_text_is_for_a_person():
    stream = io.StringIO()
    configure("text", "INFO", stream)
    logger.warning("slow", extra={"step": "copy", "rows": 3})
    logger.debug("not shown")
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning: slow \(rows=3, step=copy\)\n", stream.getvalue())


def test_libraries_are_heard_from_warning_on(lines):
    logging.getLogger("somebody.else").info("chatter")
    logging.getLogger("somebody.else").warning("trouble")
    assert [line["message"] for line in lines()] == ["trouble"]


def test_configuring_again_replaces_the_former():
    first, second = io.StringIO(), io.StringIO()
    configure("json", "INFO", first)
    configure("text", "INFO", second)
    logger.info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


def test_standard_error_is_the_default(capsys):
    configure("text", "INFO")
    logger.info("here")
    captured = capsys.readouterr()
    assert "here" in captured.err
    assert captured.out == ""


def test_bound_fields_nest_and_end(lines):
    with bound(run_id="r1", mapping="star"):
        with bound(step="copy", mapping="inner"):
            logger.info("a", extra={"step": "own"})
            logger.info("b")
        logger.info("c")
    logger.info("d")
    fields = [tuple(line.get(name) for name in ("run_id", "mapping", "step")) for line in lines()]
    assert fields == [
        ("r1", "inner", "own"),
        ("r1", "inner", "copy"),
        ("r1", "star", None),
        (None, None, None),
    ]


def test_bound_fields_reach_a_thread_by_its_context(lines):
    with bound(run_id="r1"):
        thread = Thread(target=copy_context().run, args=(logger.info, "from the thread"))
        thread.start()
        thread.join()
    assert lines()[0]["run_id"] == "r1"


def test_a_bound_field_cannot_replace_what_a_line_is(lines):
    with bound(name="other", msg="other"):
        logger.info("message")
    assert lines()[0]["logger"] == "engine.test"
    assert lines()[0]["message"] == "message"


SECRET = """gi"raffe's \\ neck/é+%@"""


def test_no_secret_in_any_field(lines):
    logs.register(SECRET)
    error = ValueError(f"could not connect with {SECRET!r}")
    nested = {"dsn": {SECRET: [SECRET, (SECRET,), {SECRET}]}, "error": error}
    with bound(mapping=SECRET):
        logger.info(f"a {SECRET}")  # noqa: G004  (what a careless line does)
        logger.info("b %s %r", SECRET, SECRET, extra=nested)
        logger.error("c", exc_info=error, stack_info=True)
    written = json.dumps(lines(), ensure_ascii=False)
    assert len(lines()) == 3
    assert "raffe" not in written
    assert "ValueError: could not connect with '***'" in lines()[2]["exc_info"]
    assert "***" in lines()[0]["message"]


def test_no_secret_in_text():
    logs.register(SECRET)
    stream = io.StringIO()
    configure("text", "INFO", stream)
    logger.error("failed with %s", SECRET, extra={"dsn": [SECRET]}, exc_info=ValueError(SECRET))
    assert "raffe" not in stream.getvalue()
    assert "ValueError: ***" in stream.getvalue()


def test_a_secret_that_is_a_word_of_the_log_leaves_the_json_whole(lines):
    for word in ("message", "level", "info", "timestamp", '": "'):
        logs.register(word)
    logger.info('the level: "info"')
    assert lines()[0]["message"] == 'the ***: "***"'
    assert set(lines()[0]) == {"timestamp", "level", "logger", "message"}


def test_values_that_json_has_not(lines):
    logger.info("x", extra={"rows": float("nan"), "seconds": float("inf"), "step": object})
    assert lines()[0]["rows"] == "nan"
    assert lines()[0]["seconds"] == "inf"
    assert lines()[0]["step"] == "<class 'object'>"


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_broken_line_neither_ends_the_run_nor_is_lost(form, capsys):
    stream = io.StringIO()
    logging.getLogger().handlers.clear()  # pytest's own would raise
    configure(form, "INFO", stream)
    logger.info("count %d", "giraffe")
    logger.info("value %s", Unprintable())
    logger.info("extra", extra={"step": Unprintable()})
    written = stream.getvalue().splitlines()
    assert len(written) == 3
    assert "count %d (its arguments raised TypeError)" in written[0]
    assert "value %s (its arguments raised ValueError)" in written[1]
    assert "a Unprintable whose text raised ValueError" in written[2]
    assert "giraffe" not in "".join(written)
    assert capsys.readouterr().err == ""


def test_a_stream_that_fails_does_not_end_the_run(capsys):
    stream = io.StringIO()
    configure("json", "INFO", stream)
    stream.close()
    logger.info("giraffe")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("password=abc user=me", "password=*** user=me"),
        ("PGPASSWORD=abc psql", "PGPASSWORD=*** psql"),
        ("sslpassword = abc", "sslpassword = ***"),
        ("password='it\\'s a' user=me", "password=*** user=me"),
        ("password='it''s a' user=me", "password=*** user=me"),
        ('{"password": "a\\"b", "user": "me"}', '{"password": ***, "user": "me"}'),
        ("{'password': 'a b', 'user': 'me'}", "{'password': ***, 'user': 'me'}"),
        ("ALTER ROLE me PASSWORD 'a b'", "ALTER ROLE me PASSWORD ***"),
        ("connect(host='h', password='abc')", "connect(host='h', password=***)"),
        ("postgresql://me:abc@h/d", "postgresql://me:***@h/d"),
        ("postgresql+psycopg2://me:a:b/c@d@h/d?x=1", "postgresql+psycopg2://me:***@h/d?x=1"),
        ("postgresql://:abc@h", "postgresql://:***@h"),
        ("at 'postgresql://me:abc@h' or so", "at 'postgresql://me:***@h' or so"),
    ],
)
def test_what_looks_like_a_password_is_hidden(text, redacted):
    assert Redactor().redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password authentication failed for user",
        "SOURCE_PASSWORD: SOURCE_URL is given too; drop one of the two",
        "SOURCE_PASSWORD_FILE=/run/secrets/source",
        "give SOURCE_PASSWORD or SOURCE_PASSWORD_FILE",
        "postgresql://me@h:5432/d",
        "https://example.com:443/a",
        "mail to me@example.com: soon",
    ],
)
def test_what_does_not_look_like_one_stays(text):
    assert Redactor().redact(text) == text


def test_the_longer_of_two_secrets_leaves_no_rest():
    redactor = Redactor()
    for secret in ("long", "longer neck"):
        redactor.register(secret)
    assert redactor.redact("a longer neck, long ago") == "a ***, *** ago"


def test_a_known_secret_is_hidden_whole_where_a_pattern_sees_a_part():
    redactor = Redactor()
    redactor.register("two words")
    assert redactor.redact("password=two words, user=me") == "password=***, user=me"


def test_short_secrets_are_hidden_only_where_they_look_like_one():
    redactor = Redactor()
    redactor.register("on")
    assert redactor.redact("one on password=on") == "one on password=***"


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4))
def test_every_form_of_a_secret_is_hidden(secret):
    redactor = Redactor()
    redactor.register(secret)
    for form in (
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
        quote_plus(secret),
        sqlalchemy.URL.create("x", "u", secret, "h").render_as_string(hide_password=False)[6:-2],
        secret.replace("'", "''"),
        psycopg2.extensions.make_dsn(password=secret).removeprefix("password="),
    ):
        assert redactor.redact(f"\n{form}\n") in {"\n***\n", "\n'***'\n"}


@settings(deadline=None)
@given(st.text())
def test_redacting_twice_changes_nothing_more(text):
    redactor = Redactor()
    once = redactor.redact(text)
    assert redactor.redact(once) == once


def test_redacting_a_long_text_is_quick():
    redactor = Redactor()
    redactor.register(SECRET)
    text = "://a:" * 20_000 + "password" * 20_000 + "'" * 20_000
    started = time.perf_counter()
    redactor.redact(text)
    assert time.perf_counter() - started < 10  # 0.3 here, and hours where it grows with the square


def test_the_module_imports_no_driver():
    import subprocess

    code = (
        "import sys, engine.logs, engine.settings, engine.retry\n"
        "sys.exit(bool({'psycopg2', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def read(file):
    return [json.loads(line)["message"] for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def file(tmp_path):
    """Log as text, and as JSON into the file of this name, which is closed in the end."""
    path = tmp_path / "logs/engine.log"
    configure("text", "INFO", io.StringIO(), path)
    yield path
    configure("text", "INFO", io.StringIO())


def test_a_file_gets_the_same_lines_as_json_and_without_secrets(file):
    logs.register("giraffe-47")
    logger.debug("not shown")
    logger.info("Grüße from giraffe-47", extra={"rows": 3})
    (line,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert (line["message"], line["rows"]) == (f"Grüße from {logs.HIDDEN}", 3)
    assert "file_only" not in str(line)


def test_a_line_for_the_file_alone_is_not_shown(tmp_path):
    stream, file = io.StringIO(), tmp_path / "engine.log"
    configure("json", "INFO", stream, file)
    logger.info("both")
    logger.info("quiet", extra={logs.FILE_ONLY: True})
    configure("json", "INFO", stream)
    assert read(file) == ["both", "quiet"]
    assert "quiet" not in stream.getvalue()


def test_a_large_file_is_kept_under_another_name_and_the_oldest_is_dropped(monkeypatch, tmp_path):
    monkeypatch.setattr(logs, "LARGEST_FILE", 300)
    monkeypatch.setattr(logs, "OLDER_FILES", 2)
    file = tmp_path / "engine.log"
    configure("json", "INFO", io.StringIO(), file)
    for number in range(20):
        logger.info("line %d", number)
    configure("json", "INFO", io.StringIO())
    names = ["engine.log.2", "engine.log.1", "engine.log"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    kept = [message for name in names for message in read(tmp_path / name)]
    assert kept == [f"line {number}" for number in range(20 - len(kept), 20)]
    assert all((tmp_path / name).stat().st_size <= 300 for name in names)


def test_a_file_that_another_run_has_renamed_is_begun_anew(file):
    logger.info("old")
    file.rename(file.with_name("engine.log.1"))
    logger.info("new")
    assert read(file.with_name("engine.log.1")) == ["old"]
    assert read(file) == ["new"]


class Tty(io.StringIO):
    def isatty(self):
        return True


def test_a_run_on_a_terminal_logs_its_steps_to_the_file_and_shows_none(monkeypatch, tmp_path):
    terminal, file = Tty(), tmp_path / "logs/engine.log"
    monkeypatch.setenv("LOG_FILE", str(file))
    monkeypatch.setattr(sys, "stderr", terminal)
    done = Done("dim_users", "copy", "read", 68, 0.25)
    with listening({}) as listener:
        listener.ended(done)
    configure("text", "INFO", io.StringIO())
    (line,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert (line["step"], line["rows"], line["seconds"]) == ("dim_users: copy", 68, 0.25)
    assert '"rows"' not in terminal.getvalue()


def test_a_file_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOG_FILE", str(tmp_path / "file/engine.log"))
    wrong = pytest.raises(SettingsError, match=r"LOG_FILE: cannot write .*file/engine\.log: ")
    with wrong, listening({}):
        pass


def test_lines_go_to_what_stands_for_standard_error_at_the_moment(monkeypatch):
    """A display on a terminal puts itself there, and lines that went past it would tear it."""
    configure("text", "INFO")
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    logger.info("above the display")
    assert "above the display" in screen.getvalue()


def test_a_command_that_writes_nothing_logs_in_the_form_that_is_asked_for(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("LOG_FORMAT", "json")
    tried = []

    def fails(*_):
        logger.warning("next attempt soon")
        raise RunError("cannot connect")

    monkeypatch.setattr(engine.run, "_plan_once", fails)
    monkeypatch.setenv("SOURCE_URL", "postgresql://a:b@127.0.0.1:1/s")
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://a:b@127.0.0.1:1/w")
    for arguments in (["plan"], ["ddl"], ["validate", "--connect"]):
        assert main([*arguments, str(ROOT / "mappings/star.yml")]) == 1
        first = screen.getvalue().splitlines()[len(tried)]
        tried += screen.getvalue().splitlines()[len(tried) :]
        assert json.loads(first)["message"] == "next attempt soon"

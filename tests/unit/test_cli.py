"""The command line: exit codes, messages, and what it must not import."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine import __version__
from engine.cli import engine as group
from engine.errors import SettingsError
from engine.settings import LEVELS

ROOT = Path(__file__).parents[2]
COMMANDS = tuple(group.commands)


def engine(*arguments, cwd=ROOT, **environ):
    """Run the command line with nothing of the environment but what is given."""
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": os.environ.get("HOME", "")}
    return subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        cwd=cwd,
        env=bare | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_and_an_example():
    done = engine("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    assert (
        "\n    engine validate mappings/star.yml\n    engine run mappings/star.yml\n" in done.stdout
    )


def test_help_names_every_level_of_the_log():
    assert f"--log-level [{'|'.join(LEVELS)}]" in engine("--help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    done = engine(command, "--help")
    assert done.returncode == 0
    assert "Example:" in done.stdout


def test_the_version():
    assert engine("--version").stdout == f"engine, version {__version__}\n"


def test_validate_says_ok():
    done = engine("validate")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mappings/star.yml: ok (3 dimensions, 1 fact)\n"
    done = engine("validate", "mappings/showcase.yml")
    assert done.stdout == "mappings/showcase.yml: ok (10 dimensions, 5 facts, 1 aggregate)\n"


def test_validate_says_all_that_is_wrong_in_all_files(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text(f"version: 1\nname: {name}\nfact: {{}}\n")
    done = engine("validate", "a.yml", "b.yml", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'facts'?" in done.stderr
    assert {line.split(":")[0] for line in done.stderr.splitlines() if ".yml" in line} == {
        "a.yml",
        "b.yml",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("validate", "nowhere.yml"), "nowhere.yml"),
        (("run", "nowhere.yml"), "nowhere.yml"),
        (("run", "--var", "x"), "--var takes NAME=VALUE, not 'x'"),
        (("run", "--var", "=x"), "--var takes NAME=VALUE, not '=x'"),
        (
            ("run", "--select", "dim_user"),
            "no dimension or fact named 'dim_user' (did you mean 'dim_users'?)",
        ),
        (("run",), "SOURCE_URL"),
        (("run",), "WAREHOUSE_URL"),
        (("run",), "engine demo"),
        (("plan",), "SOURCE_URL"),
        (("history",), "WAREHOUSE_URL"),
        (("validate", "--connect"), "SOURCE_URL"),
        (("run", "--embedded", "--folder", "nowhere"), "run `engine demo` first"),
        (("demo", "--stop", "--folder", "nowhere"), "nothing to stop"),
        (("run", "--report", "xml"), "xml"),
        (("fly",), "fly"),
        (("--log-format", "xml", "run"), "xml"),
    ],
)
def test_wrong_arguments_settings_and_mappings_exit_2_and_say_why(arguments, message):
    done = engine(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--var", "x"), "--var takes NAME=VALUE, not 'x'"),
        (
            ("run", "--from", "today", "--to", "x"),
            "--from takes a day such as 2026-01-31, not 'today'",
        ),
        (
            ("run", "--from", "2026-01-01"),
            "--from and --to belong together: from which day on, and before which day",
        ),
        (
            ("plan", "--from", "2026-02-01", "--to", "2026-01-01"),
            "--from 2026-02-01 is not before --to 2026-01-01, which is not in the range itself "
            "(exchange them)",
        ),
        (
            ("run", "--from", "9999-12-31", "--to", "9999-12-31"),
            "--from 9999-12-31 is not before --to 9999-12-31, which is not in the range itself "
            "(for one day, --to is the day after it)",
        ),
        (
            ("run", "--select", "dim_suppliers"),
            "--select: no dimension or fact named 'dim_suppliers' "
            "(known: dim_date, dim_products, dim_users, fact_orders)",
        ),
        (
            ("lookup", "m.yml", "dim_users", "id=42"),
            "here a mapping is named by an option: --mapping m.yml",
        ),
        (("lookup", "dim_users", "42"), "a key is COLUMN=VALUE, such as user_id=42, not '42'"),
        (
            ("schedule", "--cron", "* * * * *", "--timezone", "Oslo"),
            "--timezone: there is no time zone 'Oslo' (a name such as Europe/Amsterdam or UTC)",
        ),
        (
            ("run", "--report", "xml"),
            "invalid value for '--report': 'xml' is not one of 'text', 'json'",
        ),
        (("fly",), "no such command 'fly'"),
        (("demo", "--stop", "--folder", "nowhere"), "there is no folder nowhere: nothing to stop"),
    ],
)
def test_what_is_wrong_on_the_command_line_has_one_form(arguments, message):
    done = engine(*arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"error: {message}"


def test_a_wrong_option_is_told_with_what_there_is():
    done = engine("run", "--selct", "x")
    assert done.stderr.startswith(
        "Usage: engine run [OPTIONS] [MAPPING]\nTry 'engine run --help' for help.\n\nerror: no such option"
    )


def test_an_option_of_all_commands_is_told_to_stand_before_them():
    done = engine("run", "--log-level", "error")
    assert done.stderr.splitlines()[-1] == (
        "error: no such option '--log-level' (it stands before the command: engine --log-level …)"
    )


def test_without_a_command_there_is_help():
    done = engine()
    assert done.returncode == 2
    assert all(command in done.stderr for command in COMMANDS)
    assert "error" not in done.stderr.splitlines()[-1]


def test_a_case_that_is_not_there_is_told_with_those_that_are_one_a_line():
    done = engine("test", "-k", "nosuch")
    first, *others = done.stderr.splitlines()
    names = re.findall(
        r"^  - name: (.*)", (ROOT / "mappings/star.tests.yml").read_text(), re.MULTILINE
    )
    assert first == "error: -k: no case is called 'nosuch'; known:"
    assert others == [f"  {name}" for name in names]


def test_only_where_it_can_be_done_without_a_folder_implies_embedded():
    said = {
        command: " ".join(engine(command, "--help").stdout.split()) for command in ("run", "demo")
    }
    assert "[default: .demo]; implies --embedded." in said["run"]
    assert "[default: .demo]." in said["demo"]


@pytest.mark.parametrize(
    "command",
    ["validate --connect", "plan", "ddl", "history", "lookup dim_users user_id=1", "test"],
)
def test_every_command_logs_as_it_is_asked_to(command, monkeypatch, tmp_path):
    from engine import cli

    def refuse():
        raise SettingsError("no servers today")

    asked = []
    monkeypatch.setattr(
        "engine.commands.wire.configure",
        lambda form, level, file: asked.append((form, level, file)),
    )
    monkeypatch.setattr("engine.commands.test.Servers", refuse)
    for variable in [name for name in os.environ if name.startswith(("SOURCE_", "WAREHOUSE_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("LOG_FILE", str(tmp_path / "engine.log"))
    monkeypatch.chdir(ROOT)
    assert cli.main(["--log-format", "json", "--log-level", "debug", *command.split()]) == 2
    assert asked == [("json", "DEBUG", None)]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "completion"])
@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("LOG_LEVEL", "LOG_LEVEL: 'loud' is not one of debug, info"),
        ("LOG_FORMAT", "LOG_FORMAT: 'loud'"),
    ],
)
def test_every_command_refuses_a_log_that_is_not_known(command, variable, message):
    done = engine(command, **{variable: "loud"})
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (False, "nowhere.yml: there is no such file"),
        (
            True,
            "error: nowhere.yml has no tests: write nowhere.tests.yml, or name files by --tests",
        ),
    ],
)
def test_a_mapping_that_is_not_there_has_not_only_no_tests(written, why, tmp_path):
    if written:
        (tmp_path / "nowhere.yml").write_text("version: 1\n")
    done = engine("test", "nowhere.yml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"{why}\n")


@pytest.mark.parametrize("command", ["validate", "run", "test"])
def test_the_mapping_that_nobody_has_named_is_told_as_the_default(command, tmp_path):
    done = engine(command, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: no mapping is named, and there is no mappings/star.yml, the default: name one, "
        "or change to the folder that has it\n",
    )


def test_the_mapping_of_a_lookup_that_nobody_has_named_is_to_be_named_by_its_option(tmp_path):
    done = engine("lookup", "dim_users", "user_id=42", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: no mapping is named, and there is no mappings/star.yml, the default: "
        "name one by --mapping, or change to the folder that has it\n",
    )


@pytest.mark.parametrize("command", ["validate", "run"])
def test_a_mapping_whose_name_is_empty_is_no_folder(command):
    done = engine(command, "")
    assert done.returncode == 2
    assert "the path is empty (leave it out for mappings/star.yml)" in done.stderr


def test_the_example_of_a_var_names_one_of_the_star(tmp_path):
    example = re.search(r"Example: +engine (run .*)", engine("run", "--help").stdout)
    assert example is not None
    done = engine(*shlex.split(example[1]))
    assert "SOURCE_URL is missing" in done.stderr
    assert "no var" not in done.stderr


def test_output_that_cannot_be_written_is_no_bug():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "engine", "completion", "bash"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 74
    assert done.stderr == "the output could not be written: no space left on device\n"


@pytest.mark.parametrize(("arguments", "code"), [("completion bash", 0), ("run nowhere.yml", 2)])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_output_is_no_bug(arguments, code, closed):
    command = f"{shlex.quote(sys.executable)} -m engine {arguments} {closed}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_reader_who_has_seen_enough_is_no_bug():
    command = f"{shlex.quote(sys.executable)} -m engine completion bash | head -c 1"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    done = engine("completion", shell)
    assert done.returncode == 0
    assert "_ENGINE_COMPLETE" in done.stdout


def test_completion_completes():
    done = engine(_ENGINE_COMPLETE="bash_complete", COMP_WORDS="engine va", COMP_CWORD="1")
    assert "validate" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["validate"]])
def test_what_must_be_quick_imports_no_database_driver(arguments):
    script = (
        "import sys; from engine.cli import main; main(" + repr(arguments) + ");"
        "loaded = {'psycopg2', 'sqlalchemy', 'rich', 'tenacity'} & set(sys.modules);"
        "sys.exit(f'imported: {loaded}' if loaded else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_bug_says_that_it_is_one(monkeypatch, capsys):
    from engine import cli

    monkeypatch.setattr(cli.engine, "main", lambda *_, **__: 1 / 0)
    assert cli.main([]) == 70
    assert "this is a bug of the engine" in capsys.readouterr().err

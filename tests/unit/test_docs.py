"""What README and docs say is so: links lead somewhere, commands parse, examples load, lists are whole."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from engine import cli, errors, settings
from engine.cli import program
from engine.database import tables
from engine.mapping.load import load
from engine.mapping.read import read_text
from engine.mapping.shape import schema
from engine.report import COUNTS
from engine.run import ATTEMPTS

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
# The mapping reference has a test of its own; of its commands and examples, this one knows nothing.
WRITTEN = tuple(page for page in PAGES if page.name != "mapping-reference.md")
STAR = (ROOT / "mappings/star.yml").read_text()
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")


def names(pages):
    return [page.name for page in pages]


def text_of(name):
    return next(page for page in PAGES if page.name == name).read_text()


def blocks(name, *languages):
    return [text for language, text in BLOCK.findall(text_of(name)) if language in languages]


def prose(name):
    """Return a page without its blocks."""
    return BLOCK.sub("", text_of(name))


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", names(PAGES))
def test_every_link_leads_somewhere(name):
    page = next(page for page in PAGES if page.name == name)
    for link in LINK.findall(prose(name)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def commands(name):
    """Return every command line of the engine on a page: in blocks of a shell, and in backticks."""
    lines = [
        line.removeprefix("$ ")
        for text in blocks(name, "sh", "console")
        for line in text.splitlines()
    ]
    found = [line.split(";")[0].split(" #")[0] for line in lines if line.startswith("engine ")]
    found += [text for text in INLINE.findall(prose(name)) if text.startswith("engine ")]
    return [shlex.split(line) for line in found]


@pytest.mark.parametrize("name", names(WRITTEN))
def test_every_command_line_parses(name):
    for words in commands(name):
        parse(words[1:])


def parse(arguments):
    """Parse a command line and run nothing; a click exception says what is wrong with it."""
    try:
        with cli.engine.make_context("engine", list(arguments)) as context:
            rest = [*context._protected_args, *context.args]
            name, command, others = cli.engine.resolve_command(context, rest)
            command.make_context(name, others, parent=context)
    except click.exceptions.Exit:
        assert arguments[-1] in ("--help", "--version")


def test_the_readme_shows_every_command():
    assert len(commands("README.md")) > 20
    shown = {word for words in commands("README.md") for word in words[1:2]}
    assert set(cli.engine.commands) <= shown


@pytest.mark.parametrize(
    "wrong", ["run --selct x", "frobnicate", "history --limit 0", "demo --sql"]
)
def test_a_command_line_that_is_wrong_would_be_found(wrong):
    with pytest.raises(click.UsageError):
        parse(wrong.split())


def make_targets():
    return set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_that_is_named_exists():
    for page in WRITTEN:
        lines = [
            line.removeprefix("$ ")
            for text in blocks(page.name, "sh", "console")
            for line in text.splitlines()
        ]
        lines += INLINE.findall(prose(page.name))
        named = {line.split()[1] for line in lines if re.match(r"make [a-z]", line)}
        assert named <= make_targets()


def parts():
    return ("URL", *settings.PLACE, "PASSWORD", "PASSWORD_FILE", *settings.TLS)


@pytest.mark.parametrize(
    "variable", ["LOG_FORMAT", "LOG_LEVEL", "LOG_FILE", *(f"SOURCE_{p}" for p in parts())]
)
def test_every_variable_is_in_the_example_and_in_operating(variable):
    assert re.search(rf"^(# )?{variable}=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert f"`{variable}`" in text_of("operating.md")


def test_there_is_no_variable_that_neither_the_settings_nor_compose_read():
    known = {f"{prefix}_{part}" for prefix in ("SOURCE", "WAREHOUSE") for part in parts()}
    for file in ROOT.glob("docker-compose*.yml"):
        known |= set(re.findall(r"(?:\$\{|\{environment: )([A-Z_]+)", file.read_text()))
    for page in WRITTEN:
        named = set(re.findall(r"\b(?:SOURCE|WAREHOUSE)_[A-Z_]+\b", page.read_text()))
        assert named <= known


def test_the_levels_and_forms_of_the_log_are_all_named():
    (line,) = (
        line for line in text_of("operating.md").splitlines() if line.startswith("| `LOG_LEVEL`")
    )
    assert all(f"`{level}`" in line for level in settings.LEVELS)


def complete():
    """Return the mappings in the README that stand for themselves."""
    return [text for text in blocks("README.md", "yaml") if "dimensions:" in text]


def test_the_complete_mapping_in_the_readme_loads(tmp_path):
    assert len(complete()) == 1
    for text in complete():
        (tmp_path / "mapping.yml").write_text(text)
        star = load(tmp_path / "mapping.yml", {"country": "DE"}).star
        query = star.dimension("dim_customer").source.query
        assert "country = 'DE'" in query


def test_every_other_piece_of_yaml_in_the_readme_is_of_the_star_of_the_demo():
    pieces = [text for text in blocks("README.md", "yaml") if text not in complete()]
    assert len(pieces) >= 8
    for piece in pieces:
        assert piece in STAR


def test_the_tour_changes_lines_of_the_star_that_are_there():
    (change,) = blocks("README.md", "diff")
    kept = "".join(line[1:] + "\n" for line in change.splitlines() if not line.startswith("+"))
    assert kept in STAR
    assert "- range: {quantity: {min: 1}}" in STAR


def table(name, head):
    """Return the first cells of the table that begins with `head`."""
    lines = text_of(name).splitlines()
    (top,) = (n for n, line in enumerate(lines) if line.startswith(f"| {head} |"))
    cells = []
    for line in lines[top + 2 :]:
        if not line.startswith("|"):
            break
        cells.append(line.split("|")[1].strip())
    return cells


def test_every_exit_code_is_explained():
    raised = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EngineError)
    }
    assert {int(code) for code in table("README.md", "exit code")} == {
        0,
        program.BUG,
        program.INTERRUPTED,
    } | raised


def test_every_table_of_the_ledger_is_explained():
    known = {str(one) for one in tables.metadata.tables} | {"engine.lock", "engine.version"}
    assert {cell.strip("`") for cell in table("operating.md", "table")} == known
    named = set(re.findall(r"`(engine\.[a-z_]+)`", text_of("README.md")))
    assert known - {"engine.version"} <= named


def test_every_count_of_the_report_is_named():
    assert all(f"`{count}`" in text_of("README.md") for count in COUNTS)


def test_the_floors_are_those_that_are_checked():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    layers = config["importlinter:contract:floors"]["layers"]
    floors = [name.strip() for line in layers.split() for name in line.split("|") if name.strip()]
    written = [word for cell in table("architecture.md", "floor") for word in INLINE.findall(cell)]
    assert written == floors


def test_the_number_of_attempts_is_the_one_of_the_code():
    assert f"up to {ATTEMPTS} times" in text_of("how-a-run-works.md")


def shown_for_faults():
    """Return the names of the tests that are on the page of reliability, by file."""
    found, present = {}, ""
    for file, name in re.findall(r"(\w+\.py::|…)(test_\w+)", text_of("reliability.md")):
        present = present if file == "…" else file.removesuffix("::")
        found.setdefault(present, set()).add(name)
    return found


def test_every_fault_has_the_test_that_is_named():
    for file, names_ in shown_for_faults().items():
        path = next(
            p
            for p in (ROOT / "tests/faults" / file, ROOT / "tests/integration" / file)
            if p.exists()
        )
        there = set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
        assert names_ <= there, file


def test_no_file_of_faults_is_forgotten():
    there = {path.name for path in (ROOT / "tests/faults").glob("test_*.py")}
    assert there <= set(shown_for_faults())


def test_the_numbers_of_the_faults_are_whole():
    text = text_of("reliability.md")
    assert re.findall(r"^### (\d+)\.", text, re.MULTILINE) == [str(n) for n in range(1, 16)]
    killed = (ROOT / "tests/faults/test_killed.py").read_text()
    moments = dict(re.findall(r"signal\.(SIG\w+): (\d+)", killed))
    assert f"{3 * int(moments['SIGKILL'])} moments" in text
    assert f"{3 * int(moments['SIGTERM'])} moments each" in text


def techniques():
    """Return the rows of the table of techniques, by cells, without those that are headings of others."""
    lines = [line for line in text_of("techniques.md").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return [row for row in rows if any(row[1:])]


def language(part):
    """Return every key of a part of the schema, and every word that a value must be one of."""
    if isinstance(part, list):
        return {word for each in part for word in language(each)}
    if not isinstance(part, dict):
        return set()
    words = {*part.get("properties", ()), *map(str, part.get("enum", ())), str(part.get("const"))}
    return words.union(*(language(each) for each in part.values()))


LANGUAGE = language(schema())


def words_in(piece):
    """Return the words of a piece of YAML that the language must know: no names in <…>, numbers or texts."""
    if ":" not in piece:
        return {piece}
    found = set()
    left = [read_text(piece, "techniques.md")[0].data]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif re.fullmatch("[a-z][a-z_-]*", str(value)):
            found.add(value)
    return found


@pytest.mark.parametrize("row", techniques(), ids=lambda row: row[0])
def test_a_technique_is_asked_for_by_words_of_the_language_shown_and_proved(row):
    _, asked, page, proof = row
    for piece in INLINE.findall(asked):
        assert piece.startswith("engine ") or words_in(piece) <= LANGUAGE, piece
    assert LINK.findall(page)  # where they lead is seen above
    named = re.findall(r"`(\w+\.py)::(test_\w+)`", proof)
    assert named
    for file, name in named:
        text = (ROOT / "tests/integration" / file).read_text()
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), name


def test_no_page_of_the_cookbook_and_no_type_of_change_is_without_its_technique():
    names_ = " ".join(row[0] for row in techniques())
    assert all(f"SCD type {number}" in names_ for number in range(8))
    linked = {link.partition("#")[0] for row in techniques() for link in LINK.findall(row[2])}
    pages = {f"cookbook/{page.name}" for page in (ROOT / "docs/cookbook").glob("*.md")}
    assert pages <= linked


def test_a_word_that_the_language_does_not_have_would_be_found():
    assert words_in("<column>: {scd: 2, sdc: 2}") - LANGUAGE == {"sdc"}
    assert words_in("load: apend") - LANGUAGE == {"apend"}

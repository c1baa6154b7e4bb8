"""Bad files end in a message: never in a traceback, never in a hang."""

import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from engine.errors import MappingError
from engine.mapping import nodes
from engine.mapping.nodes import MAX_NODES
from engine.mapping.read import MAX_BYTES, read, read_scalar, read_text


def problems(text):
    with pytest.raises(MappingError) as raised:
        read_text(text, "m.yml")
    return str(raised.value)


def problems_of_file(path, raw):
    path.write_bytes(raw)
    with pytest.raises(MappingError) as raised:
        read(path, "m.yml")
    return str(raised.value)


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "star.yml").write_text("version: 1")
    with pytest.raises(MappingError) as raised:
        read(tmp_path / "stra.yml", "stra.yml")
    assert str(raised.value) == "stra.yml: there is no such file (did you mean 'star.yml'?)"


def test_a_missing_folder(tmp_path):
    with pytest.raises(MappingError, match=r"m\.yml: there is no such file"):
        read(tmp_path / "nowhere" / "m.yml", "m.yml")


def test_a_folder(tmp_path):
    with pytest.raises(MappingError, match=r"^m\.yml: is a directory, not a mapping file$"):
        read(tmp_path, "m.yml")


def test_a_file_as_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MappingError, match=r"^m\.yml: cannot be read: not a directory$"):
        read(tmp_path / "file" / "m.yml", "m.yml")


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# only a comment\n", b"\xef\xbb\xbf", b"---\n"])
def test_an_empty_file(tmp_path, raw):
    what = problems_of_file(tmp_path / "m.yml", raw)
    assert what == "m.yml: the file is empty (begin with: version: 1)"


def test_a_binary_file(tmp_path):
    what = problems_of_file(tmp_path / "m.yml", b"version: 1\nname: a\x00b\n")
    assert what == "m.yml:2:8: the character U+0000 cannot stand in YAML (is this a text file?)"


def test_a_file_in_latin_1(tmp_path):
    what = problems_of_file(tmp_path / "m.yml", "version: 1\nname: größe".encode("latin-1"))
    assert what == "m.yml:2:9: not UTF-8 text (save the file as UTF-8)"


def test_a_file_in_utf_16(tmp_path):
    what = problems_of_file(tmp_path / "m.yml", "version: 1".encode("utf-16"))
    assert what == "m.yml:1:1: not UTF-8 text (save the file as UTF-8)"


def test_a_huge_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "m.yml"
    path.write_bytes(b"version: 1\n")
    with path.open("r+b") as file:
        file.truncate(10_000_000_000)  # sparse: it takes no room
    start = time.perf_counter()
    with pytest.raises(MappingError, match="is larger than 1 MiB"):
        read(path, "m.yml")
    assert time.perf_counter() - start < 2


def test_an_endless_file():
    with pytest.raises(MappingError, match="is larger than 1 MiB"):
        read(Path("/dev/zero"), "m.yml")


def test_line_ends_and_byte_order_mark_do_not_move_places(tmp_path):
    path = tmp_path / "m.yml"
    path.write_bytes(
        b"\xef\xbb\xbfversion: 1\r\nname: star\r\nvars:\r\n  text: |\r\n    one\r\n    two"
    )
    document, _ = read(path, "m.yml")
    assert document.data["vars"]["text"] == "one\ntwo"
    assert str(document.place("name")) == "m.yml:2:7: name"
    assert str(document.inside("vars.text", 4)) == "m.yml:6:5: vars.text"


def test_aliases_that_explode():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [" + f"*a{level - 1}, " * 10 + "]" for level in range(1, 12)]
    # They are a hundred thousand million: that this ends at all is the proof that none is made.
    assert f"aliases make more than {MAX_NODES:,} entries" in problems("\n".join(lines))


def test_aliases_that_grow_deep():
    lines = ["a0: &a0 [x]"]
    lines += [f"a{level}: &a{level} [*a{level - 1}]" for level in range(1, 2000)]
    assert "levels" in problems("\n".join(lines))


def test_many_entries():
    assert f"more than {MAX_NODES:,} entries" in problems("- a\n" * (MAX_NODES + 1))


PIECES = [
    "[", "{", "? ", "- ", "a: ", '"', "&a ", "*a ", "!a ", "[a,", "{a: ", '"\n', "%", "|", ">", "#",
    "- |\n", "[[]]", "x: &a [*a]\n", "a\n", "? a\n", "'", "{a:[", "\t", "a:\n  ", "- - - ", "<<: ",
    "{{", "}}", "]", "}", ",", ":", "\\", "--- \n", "...\n", "@", "`", "é",
]  # fmt: skip


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize("piece", PIECES)
def test_a_mebibyte_of_anything_ends_soon(piece, loader, monkeypatch):
    monkeypatch.setattr(nodes, "_LOADER", getattr(yaml, loader))
    # The loader in Python is a hundred times slower; what matters is that its time does not explode.
    size = MAX_BYTES if loader == "CSafeLoader" else 20_000
    text = (piece * size)[:size]
    start = time.perf_counter()
    with suppress(MappingError):
        read_text(text, "m.yml")
    assert time.perf_counter() - start < 60, "a time that explodes is one of hours"


def test_both_loaders_of_pyyaml_agree(monkeypatch, request):
    folder = request.config.rootpath / "tests" / "mappings" / "valid"
    for path in [*folder.glob("*.yml"), request.config.rootpath / "mappings" / "star.yml"]:
        fast, _ = read(path)
        with monkeypatch.context() as context:
            context.setattr(nodes, "_LOADER", yaml.SafeLoader)
            slow, _ = read(path)
        assert slow.data == fast.data
        assert slow.spans.keys() == fast.spans.keys()
        assert all(slow.place(path) == fast.place(path) for path in fast.spans)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("123456789012345678", 123456789012345678),
        ("1234567890123456789", "1234567890123456789"),
        ("0.12345678901234567890", "0.12345678901234567890"),
        ("0.1", 0.1),
        ("9" * 5000, "9" * 5000),
        ("1e999", float("inf")),
        ("'5'", "5"),
        ('"a\\tb"', "a\tb"),
        ("'not closed", "'not closed"),
        ("'a' b", "'a' b"),
        ("", ""),
        ("a: b", "a: b"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_scalars_of_a_command_line(text, value):
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


def test_words_of_yaml_1_1_are_text_in_a_file_too():
    document, _ = read_text("{on: off, yes: no, null: 1, d: 2020-01-01, t: 1:30}", "m.yml")
    assert document.data == {"on": "off", "yes": "no", "null": 1, "d": "2020-01-01", "t": "1:30"}


def test_a_quoted_number_is_a_key():
    document, _ = read_text('{"1": a, "true": b, "": c}', "m.yml")
    assert document.data == {"1": "a", "true": "b", "": "c"}


def test_the_first_of_repeated_keys_stays_and_each_repetition_is_said():
    document, found = read_text("a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n", "m.yml")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [str(problem.where) for problem in found] == [
        "m.yml:2:11: b.c",
        "m.yml:3:1: a",
        "m.yml:4:1: a",
    ]


def test_problems_that_do_not_hide_each_other_are_said_together():
    text = "1: a\ntrue: b\n<<: c\n? [x]\n: d\ne: 1\ne: 2\n"
    assert len(problems(text).splitlines()) == 5

"""The house's frozen dataclasses do what those of the standard library do."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from engine import values
from engine.errors import Place
from engine.values import dataclass

DECORATORS = pytest.mark.parametrize("frozen", [dataclass, dataclasses.dataclass])


@dataclass(frozen=True, slots=True)
class Point:
    """A point."""

    x: int
    y: int = 0
    tags: dict[str, int] = field(default_factory=dict, compare=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What both have."""

    title: ClassVar[str] = "base"
    entry: str = ""

    @property
    def loud(self) -> str:
        return self.entry.upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Special(Base):
    """One more field, which must be given."""

    title: ClassVar[str] = "special"
    name: str


@dataclass(frozen=True)
class Spoken:
    """A class with words of its own."""

    word: str

    def __repr__(self) -> str:
        return f"<{self.word}>"


def test_fields_are_given_by_place_or_by_name_and_have_defaults():
    assert Point(1, 2) == Point(x=1, y=2) == Point(1, y=2)
    assert (Point(1).y, Point(1).tags, Point(1).secret) == (0, {}, "")
    assert Point(1).tags is not Point(1).tags
    special = Special(name="n", entry="e")
    assert (special.name, special.entry, special.loud, special.title) == ("n", "e", "E", "special")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Point, "Point() is missing 'x'"),
        (lambda: Point(1, 2, {}, "", 5), "Point() takes 4 positional arguments, not 5"),
        (lambda: Point(1, x=1), "Point() got a field by its place and by its name"),
        (lambda: Point(1, z=1), "Point() has no field 'z'"),
        (lambda: Point(z=1), "Point() has no field 'z'"),
        (lambda: Special("n"), "Special() takes 0 positional arguments, not 1"),
        (lambda: Special(entry="e"), "Special() is missing 'name'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(make, message):
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value) == message


def test_nothing_of_it_can_be_set_or_deleted():
    point = Point(1)
    for change in (
        lambda: setattr(point, "x", 2),
        lambda: setattr(point, "other", 2),
        lambda: delattr(point, "x"),
    ):
        with pytest.raises(FrozenInstanceError):
            change()
    assert point == Point(1)
    assert not hasattr(point, "other")


def test_values_are_equal_by_class_and_the_fields_that_count():
    assert Point(1, tags={"a": 1}) == Point(1, tags={"b": 2})
    assert hash(Point(1, tags={"a": 1})) == hash(Point(1))
    assert Point(1) != Point(1, secret="s")
    assert Point(1) != (1, 0, {}, "")
    assert Base(entry="a") != Special(entry="a", name="n")
    assert len({Special(entry="a", name="n"), Special(name="n", entry="a")}) == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(Spoken([]))


def test_a_value_shows_its_fields_less_those_that_are_secret():
    assert repr(Point(1, secret="s")) == "Point(x=1, y=0, tags={})"
    assert repr(Special(name="n")) == "Special(entry='', name='n')"
    assert repr(Spoken("word")) == "<word>"


@DECORATORS
def test_the_order_of_fields_and_patterns_is_that_of_the_standard_library(frozen):
    made = frozen(frozen=True, slots=True)(
        type("Made", (), {"__annotations__": {"a": "int", "b": "int", "c": "str"}})
    )
    assert [each.name for each in fields(made)] == ["a", "b", "c"]
    assert made.__match_args__ == ("a", "b", "c")
    assert is_dataclass(made)
    assert repr(made(1, 2, "c")) == "Made(a=1, b=2, c='c')"


def test_the_standard_library_treats_them_as_its_own():
    special = Special(name="n", entry="e")
    assert replace(special, name="m") == Special(name="m", entry="e")
    assert asdict(Point(1)) == {"x": 1, "y": 0, "tags": {}, "secret": ""}
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
    for same in (copy.copy(special), copy.deepcopy(special)):
        assert same == special
    assert pickle.loads(pickle.dumps(Place("f", 1))) == Place("f", 1)


def test_one_that_is_not_frozen_is_the_standard_librarys():
    @dataclass
    class Counter:
        """It counts."""

        count: int = 0

    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)


def test_the_engine_uses_it_wherever_a_value_is_frozen():
    files = Path(values.__file__).parent.rglob("*.py")
    texts = {file.name: file.read_text() for file in files if file.name != "values.py"}
    other = "from engine.values import dataclass"
    assert [n for n, text in texts.items() if "frozen=True" in text and other not in text] == []

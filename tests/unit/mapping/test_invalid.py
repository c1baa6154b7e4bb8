"""Each mapping in tests/mappings/invalid gives exactly the problems in the .txt file beside it."""

from pathlib import Path

import pytest

from engine.errors import MappingError
from engine.mapping.load import load

FOLDER = Path(__file__).parents[2] / "mappings" / "invalid"
CASES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def test_there_are_many_cases_and_each_has_its_problems():
    assert len(CASES) >= 75
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == CASES


@pytest.mark.parametrize("case", CASES)
def test_problems(case, monkeypatch):
    monkeypatch.chdir(FOLDER)
    with pytest.raises(MappingError) as raised:
        load(Path(f"{case}.yml"))
    expected = Path(f"{case}.txt").read_text(encoding="utf-8")
    assert f"{raised.value}\n" == expected


@pytest.mark.parametrize("case", CASES)
def test_problems_are_in_lower_case_and_name_no_absolute_path(case):
    for line in (FOLDER / f"{case}.txt").read_text(encoding="utf-8").splitlines():
        assert str(FOLDER) not in line
        place, _, what = line.partition(": ")
        assert place.split(":")[0].endswith(".yml")
        assert what
        assert not line.rstrip(")").endswith("."), "a message is no sentence"

"""Bridges: the weights of a group are the whole of it, or nothing is published."""

from __future__ import annotations

import pytest

from engine.errors import CheckFailedError, MappingError
from tests.integration.stars import UNKNOWN, dimension, fact, star, untouched, verdicts

NAME = "the weights of each group_key sum to 1"


@pytest.fixture
def shares(stars):
    stars.source("CREATE TABLE shares (team text, who int, part numeric)")
    stars.source("GRANT SELECT ON shares TO PUBLIC")
    return stars


def bridge(weight=None, **more):
    return star(
        dim_group=dimension(
            "SELECT DISTINCT team FROM shares WHERE team <> 'nobody'",
            "team",
            special_members=UNKNOWN,
        ),
        bridge_group=fact(
            "SELECT * FROM shares",
            {"team": None, "who": None, "part": weight},
            grain=["team", "who"],
            load="replace",
            lookups={"group_key": {"dimension": "dim_group", "on": "team"}},
            bridge={"group": "group_key", "weight": "part", **more},
        ),
    )


def share(stars, team, *parts):
    for who, part in enumerate(parts):
        stars.source(f"INSERT INTO shares VALUES ('{team}', {who}, {part})")


def test_each_group_is_shared_out_whole_and_a_second_run_changes_nothing(shares):
    share(shares, "pair", "0.5", "0.5")
    share(shares, "one", "1")
    share(shares, "three", *["0.3333333333"] * 3)
    share(shares, "nobody", "5")  # of the unknown group, in which any may come together
    assert verdicts(shares.run(bridge()))[NAME] == ("pass", 0)
    before = untouched(shares)
    shares.run(bridge())
    assert untouched(shares) == before


@pytest.mark.parametrize(
    "parts", [("0.5", "0.4"), ("0.5", "NULL", "0.5"), ("2", "-1"), ("0.50001", "0.5")]
)
def test_a_group_that_is_not_whole_fails_the_run(shares, parts):
    share(shares, "pair", "0.5", "0.5")
    shares.run(bridge())
    share(shares, "bad", *parts)
    said = r"1 of 2 groups break it, such as \(group_key\) = \(2\)\n"
    with pytest.raises(CheckFailedError, match=f"check '{NAME}' fails: {said}"):
        shares.run(bridge())
    assert shares.column("SELECT count(*) FROM bridge_group") == [2]
    assert verdicts(shares.run(bridge(severity="warn")))[NAME] == ("warn", 1)


def test_a_row_that_leaves_its_group_breaks_it_though_no_row_of_it_is_read(shares):
    share(shares, "pair", "0.5", "0.5")
    share(shares, "one", "1")
    shares.run(bridge())
    shares.source("DELETE FROM shares WHERE team = 'pair' AND who = 1")
    with pytest.raises(CheckFailedError, match=NAME):
        shares.run(bridge())


def test_a_row_that_is_flagged_as_deleted_is_no_part_of_its_group(shares):
    share(shares, "pair", "0.5", "0.5")
    share(shares, "one", "1")
    flagged = bridge()
    flagged["facts"]["bridge_group"] |= {"load": "upsert"}
    flagged["facts"]["bridge_group"]["source"]["deletes"] = {"policy": "flag", "max": "100%"}
    shares.run(flagged)
    shares.source("DELETE FROM shares WHERE team = 'pair' AND who = 1")
    with pytest.raises(CheckFailedError, match=f"{NAME}' fails: 1 of 2 groups break it"):
        shares.run(flagged)
    shares.source("UPDATE shares SET part = 1 WHERE team = 'pair'")
    assert verdicts(shares.run(flagged))[NAME] == ("pass", 0)
    assert shares.column("SELECT count(*) FROM bridge_group WHERE is_deleted") == [1]
    shares.source("DELETE FROM shares WHERE team = 'pair'")  # a group without a row is none
    assert verdicts(shares.run(flagged))[NAME] == ("pass", 0)


def test_rounding_is_explained_by_the_type_and_more_by_a_tolerance(shares):
    share(shares, "three", *["1/3.0"] * 3)
    rounded = {"type": "numeric(5,2)"}  # 0.33 three times
    assert verdicts(shares.run(bridge(rounded)))[NAME] == ("pass", 0)
    share(shares, "bad", "0.97")
    with pytest.raises(CheckFailedError):
        shares.run(bridge(rounded))
    assert verdicts(shares.run(bridge(rounded, tolerance=0.03)))[NAME] == ("pass", 0)
    with pytest.raises(CheckFailedError):
        shares.run(bridge(rounded, tolerance=0.001))
    shares.warehouse("DROP TABLE bridge_group")
    assert verdicts(shares.run(bridge({"type": "real"}, tolerance=0.05)))[NAME] == ("pass", 0)


def test_a_weight_that_is_no_number_is_told_before_a_run(shares):
    share(shares, "one", "1")
    with pytest.raises(MappingError, match="'part' is text, and weights are numbers"):
        shares.plan(bridge({"type": "text"}))

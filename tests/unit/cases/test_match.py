"""Which expected row belongs to which found one, whatever their order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cases.match import ANY, UNNAMED, assign, compare, fits
from engine.cases.report import table
from engine.cases.result import FOUND, SAME, WANTED

CELL = st.sampled_from([None, "a", "b"])
FOUND_ROWS = st.lists(st.tuples(CELL, CELL), max_size=5)
WANTED_ROWS = st.lists(st.tuples(CELL | st.sampled_from([ANY, UNNAMED]), CELL), max_size=5)


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELL, CELL), max_size=6).flatmap(
        lambda r: st.tuples(st.just(r), st.permutations(r))
    )
)
def test_the_order_does_not_matter(rows):
    assert compare(*rows, all_rows=True) == ()


@settings(deadline=None)
@given(WANTED_ROWS, FOUND_ROWS)
def test_as_many_rows_find_their_partner_as_can(wanted, found):
    partner = assign(wanted, found)
    assert len(set(partner.values())) == len(partner)
    assert all(fits(wanted[want], found[at]) for want, at in partner.items())
    assert len(partner) == most(wanted, list(found))


def most(wanted, found):
    """Return the most pairs that are possible, by trying all."""
    if not wanted:
        return 0
    first, rest = wanted[0], wanted[1:]
    tries = [
        1 + most(rest, found[:n] + found[n + 1 :])
        for n, row in enumerate(found)
        if fits(first, row)
    ]
    return max([most(rest, found), *tries])


@settings(deadline=None)
@given(WANTED_ROWS, FOUND_ROWS)
def test_every_row_is_in_the_comparison_once(wanted, found):
    lines = compare(wanted, found, all_rows=True)
    if lines:
        marks = [line.mark for line in lines]
        assert marks.count(SAME) + marks.count(WANTED) == len(wanted)
        assert marks.count(SAME) + marks.count(FOUND) == len(found)
    else:
        assert len(wanted) == len(found)


@settings(deadline=None)
@given(WANTED_ROWS, FOUND_ROWS)
def test_rows_that_are_there_among_others_are_enough_where_not_all_are_asked_for(wanted, found):
    lines = compare(wanted, found, all_rows=False)
    assert bool(lines) == (most(wanted, list(found)) < len(wanted))


def test_a_row_that_differs_stands_beside_the_one_that_is_most_like_it():
    lines = compare([("1", "a", "x")], [("2", "a", "y"), ("1", "a", "y")], all_rows=True)
    assert [(line.mark, line.cells, line.different) for line in lines] == [
        (WANTED, ("1", "a", "x"), {2}),
        (FOUND, ("1", "a", "y"), {2}),
        (FOUND, ("2", "a", "y"), frozenset()),
    ]


def test_any_is_everything_but_null_and_what_is_not_named_is_everything():
    assert fits((ANY, UNNAMED), ("x", None))
    assert not fits((ANY,), (None,))
    assert not fits(("NULL",), (None,))


def test_what_is_as_expected_is_shown_to_a_degree():
    same = [(str(n), "x") for n in range(9)]
    lines = compare([*same, ("9", "a" * 99)], [*same, ("9", None)], all_rows=True)
    assert list(table(("n", "long"), lines)) == [
        "  n | long",
        "  0 | x",
        "  1 | x",
        "  2 | x",
        "  … 6 more as expected",
        f"- 9 | {'a' * 39}…  expected",
        f"+ 9 | NULL{' ' * 36}  found",
        "      ^^^^",
    ]

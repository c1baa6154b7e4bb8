"""What a person sees on a terminal while a run goes on: the step of each entry, its rows, and their rate."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from engine.display import Terminal
from engine.plan.steps import Analyze, CreateSchema, Done, Table

STAGE = Table("engine_stage", "star.fact_orders")


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def shown(terminal):
    """Return the lines of the display as they are now, without its spinner and its clock."""
    page = Console(file=io.StringIO(), width=100)
    page.print(terminal._progress.get_renderable())
    lines = page.file.getvalue().splitlines()
    return [re.sub(r"^\S\s+|\s+\d+:\d\d:\d\d\s*$", "", line) for line in lines]


def test_each_entry_has_a_line_with_its_step_and_its_rows(console):
    with Terminal(console) as terminal:
        terminal.began(CreateSchema(schema="public"))
        terminal.began(Analyze(entry="fact_orders", table=STAGE))
        terminal.ended(Done("fact_orders", "insert new", "inserted", 1_234, 0.5))
        assert shown(terminal) == ["schema: create schema", "fact_orders: insert new 1,234 rows"]


def test_rows_that_arrive_are_shown_with_their_rate(console):
    with Terminal(console) as terminal:
        terminal.began(Analyze(entry="fact_orders", table=STAGE))
        terminal.arrived("fact_orders", 2_000_000)
        (line,) = shown(terminal)
    assert re.fullmatch(r"fact_orders: copy 2,000,000 rows, [\d,]+ rows/s", line)


def test_the_time_that_is_left_is_shown_while_fewer_rows_have_come_than_are_expected(console):
    with Terminal(console) as terminal:
        terminal.began(Analyze(entry="fact_orders", table=STAGE))
        terminal.expects("fact_orders", 1_000_000)
        terminal.expects("fact_orders", 3_000_000)  # another stream has begun
        terminal.arrived("fact_orders", 2_000_000)
        (line,) = shown(terminal)
        terminal.arrived("fact_orders", 3_000_001)
        (later,) = shown(terminal)
    said = r"fact_orders: copy 2,000,000 of about 3,000,000 rows, [\d,]+ rows/s, \d:\d\d:\d\d left"
    assert re.fullmatch(said, line)
    assert re.fullmatch(r"fact_orders: copy 3,000,001 rows, [\d,]+ rows/s", later)


def test_nothing_of_it_stays(console):
    with Terminal(console) as terminal:
        terminal.began(Analyze(entry="fact_orders", table=STAGE))
        terminal.finished(None)
    text = console.file.getvalue()
    assert "fact_orders" in text
    assert text.rstrip().endswith("\x1b[2K"), "the last line is wiped"

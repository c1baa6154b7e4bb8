"""The plan: steps in the order of a run, and what a person should know of it."""

from __future__ import annotations

from dataclasses import field

from engine.mapping.model import Check
from engine.plan.steps.base import Step, Table
from engine.plan.steps.bridge import CheckBridge
from engine.plan.steps.checks import CheckStep
from engine.plan.steps.transport import (
    Analyze,
    Copy,
    CountNullCursors,
    CountSource,
    CreateStage,
    FillCalendar,
    FillClock,
    ReadCursors,
)
from engine.values import dataclass


@dataclass(frozen=True, slots=True)
class StagePlan:
    """How one entry gets into its stage: made and filled on its own connections, beside the others.

    `beside` are further streams of the same query, at the same time. What the engine makes of itself is not
    analyzed: nothing is looked up in it, and how large it is the planner sees.
    """

    entry: str
    create: CreateStage
    fill: Copy | FillCalendar | FillClock
    analyze: Analyze | None = None
    null_cursors: CountNullCursors | None = None
    cursors: ReadCursors | None = None
    count: CountSource | None = None
    keys: tuple[Step, ...] = ()
    beside: tuple[Copy, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in order."""
        filled = (self.create, self.fill, *self.beside, self.analyze)
        asked = (self.null_cursors, self.cursors, self.count)
        return tuple(step for step in (*filled, *self.keys, *asked) if step)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table that is made, and dropped after the run."""
        made = (self.create, *self.keys)
        return tuple(step.stage for step in made if isinstance(step, CreateStage))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know about the plan, with the entry it concerns."""

    entry: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run does, in order: schema, stages (side by side), load and checks (one transaction).

    `hosts` are, by entry that has no stage plan of its own, the entries from whose stages it is made.
    `drift` tells where tables that are there are not what the mapping says. `proved` are the checks that the
    keys of a table prove. `kept` are the entries for which nothing need be loaded (plan.kept).
    """

    mapping: str
    entries: tuple[str, ...]
    schema: tuple[Step, ...]
    stages: tuple[StagePlan, ...]
    load: tuple[Step, ...]
    checks: tuple[CheckStep | CheckBridge, ...]
    kept: tuple[str, ...] = ()
    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    source_counts: tuple[tuple[str, Check], ...] = ()
    proved: tuple[tuple[str, Check], ...] = ()
    fingerprints: dict[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    drift: tuple[Notice, ...] = ()

    @property
    def most_beside(self) -> int:
        """The most streams that there are beside the first of a query."""
        return max((len(stage.beside) for stage in self.stages), default=0)


@dataclass(frozen=True, slots=True)
class Done:
    """What one step did: `rows` is the count of its statement, `measure` the count of the report it is."""

    entry: str
    title: str
    measure: str
    rows: int
    seconds: float

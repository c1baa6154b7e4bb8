"""engine plan and engine ddl: what a run would do, and the star's CREATE statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from engine.commands.choice import Choice
from engine.commands.wire import connected, log_to_stderr, selected
from engine.mapping.load import load
from engine.plan.build import create_statements
from engine.plan.periods import following
from engine.plan.quality import label
from engine.plan.steps import CheckRows, CreateFilled, HierarchyStep, Periods, Plan, Step
from engine.run import Options
from engine.run import plan as plan_run
from engine.sql.render import render

SCHEMA = "schema changes"
STAGES = "stages, side by side"
CHECKS = "checks, before the commit"


def plan(
    path: Path, overrides: Mapping[str, str], choice: Choice, *, sql: bool, folder: Path | None
) -> None:
    """Print the plan of a run; nothing is written."""
    loaded = load(path, overrides)
    options = Options(selected(loaded.star, choice), *choice.how)
    log_to_stderr()
    with connected(loaded.star, folder, options.select) as settings:
        todo, _ = plan_run(loaded, settings, options)
    click.echo("\n".join(plan_lines(todo, sql=sql)))


def plan_lines(todo: Plan, *, sql: bool) -> Iterator[str]:
    """Return the lines of a plan: what changes in the schema, then what is done, in order."""
    parts: tuple[tuple[str, Iterable[Step]], ...] = (
        (SCHEMA, todo.schema),
        (STAGES, (step for stage in todo.stages for step in stage.steps)),
        ("load, in one transaction", todo.load),
        (CHECKS, todo.checks),
    )
    for notice in todo.notices:
        yield f"note: {notice.entry}: {notice.text}"
    for title, steps in parts:
        lines = list(_kept(todo)) if title == STAGES else []
        lines += [line for step in steps for line in _step_lines(step, sql=sql)]
        lines += _also(todo, title)
        yield f"{title}:" if lines else f"{title}: none"
        yield from lines


def _step_lines(step: Step, *, sql: bool) -> Iterator[str]:
    yield f"  {step.entry}: {step.title}".replace("  : ", "  ") + _about(step) + _when(step)
    if sql:
        yield "\n".join(f"      {line}" for line in render(step).splitlines()) + ";"


def _kept(todo: Plan) -> Iterator[str]:
    """Return what is not made again."""
    return (f"  {name}: nothing to do, it is as the last run left it" for name in todo.kept)


def _also(todo: Plan, title: str) -> Iterator[str]:
    """Return what belongs under a title without being a statement of its own there."""
    if title == SCHEMA:
        for step in todo.load:
            if isinstance(step, CreateFilled):
                yield f"  {step.entry}: create table, of its rows: see create filled"
    if title == CHECKS:
        for entry, check in todo.source_counts:
            yield f"  {entry}: check {label(check)} ({check.severity})"
        for entry, check in todo.proved:
            yield f"  {entry}: check {label(check)} ({check.severity}): its key proves it"


def _when(step: Step) -> str:
    """Say when a step is spared: what it is there for is known only once the rows have come."""
    if isinstance(step, HierarchyStep):
        return "" if step.always else " (if a member has changed)"
    if step.several is None:
        return ""
    return " (if a member has several rows)" if step.several else " (if each member has one row)"


def _checks(step: Step) -> tuple[str, ...]:
    """Say which checks a step looks at, and how severe each is."""
    if isinstance(step, CheckRows):
        return tuple(f"{label(check)} ({check.severity})" for check in step.checks)
    condition = getattr(step, "condition", None)
    check = getattr(step, "check", None) or getattr(condition, "check", None)
    if check is None:
        return ()
    # A check of several columns that rejects rows is a step for each of them.
    of = f" of {condition.column}" if condition and len(check.columns) > 1 else ""
    return (f"{label(check)}{of} ({check.severity})",)


def _about(step: Step) -> str:
    """Say what the title alone does not: the column, the member, the rule."""
    window = getattr(step, "window", None)
    if checks := _checks(step):
        return " " + ", ".join(checks)
    periods = getattr(step, "periods", None)
    if periods is not None:
        return _due(periods)
    if window is not None:
        parts = [f"{each.column} >= {each.low}" for each in window.borders if each.low]
        if window.high:
            return f" where {parts[0]} and < {window.high}"
        return " where " + " or ".join(parts) if parts else " everything"
    view = getattr(step, "view", None)
    if view is not None:
        return f" {view.name}"
    partition, low = getattr(step, "partition", None), getattr(step, "low", None)
    if partition is not None:
        return f" {partition.name}" + (f" from {low} to {getattr(step, 'high', '')}" if low else "")
    column, member, rule = (getattr(step, word, None) for word in ("column", "member", "rule"))
    if rule is not None:
        return f" ({rule.text})"
    if column is not None:
        return f" {getattr(column, 'name', column)}"
    return f" {member}" if member else ""


def _due(periods: Periods) -> str:
    """Say which periods are read, as --from and --to would: the end is not in the range itself."""
    if not periods.any:
        return " of no period"
    after = following(periods.last, periods.every)
    return f" from {periods.first} to {after}, each {periods.every}"


def ddl(path: Path, overrides: Mapping[str, str], *, folder: Path | None) -> None:
    """Print the CREATE statements of the star, as of an empty warehouse."""
    loaded = load(path, overrides)
    log_to_stderr()
    with connected(loaded.star, folder) as settings:
        _, world = plan_run(loaded, settings)
    click.echo(f"-- The star of {path.name}, as printed by: engine ddl {path.as_posix()}")
    for step in create_statements(loaded.star, world):
        click.echo(f"\n{render(step)};")

"""The SQL of every kind of step, as reviewed: pytest --update-golden writes what the engine says now."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.mapping.milestones import lag_column
from engine.mapping.model import (
    Aggregate,
    Bridge,
    Calendar,
    Check,
    Clock,
    Column,
    Cursor,
    Deletes,
    Dimension,
    Group,
    Hierarchy,
    History,
    Holidays,
    Lag,
    Lookup,
    Measure,
    Parallel,
    Partition,
    Snapshot,
    SpecialMember,
    Star,
    Tolerance,
)
from engine.plan.backfill import backfilled
from engine.plan.build import build, create_statements
from engine.plan.drift import member_comparisons
from engine.plan.span import Span
from engine.plan.steps import (
    AddColumn,
    AddGroupIndex,
    AddPrimaryKey,
    CheckBridge,
    Copy,
    CountNullCursors,
    CountSeveral,
    CountSource,
    CreateFilled,
    CreateRole,
    CreateTable,
    DescribeRole,
    DropRole,
    DropStage,
    EnsureMember,
    EstimateRows,
    FillCalendar,
    FindMissing,
    HierarchyStep,
    InsertNew,
    Periods,
    Plan,
    ProveFound,
    ReadChanged,
    ReadContent,
    ReadCursors,
    ReadMembers,
    ReadTypes,
    ReadVersion,
    RejectMissing,
    RepointFacts,
    Rows,
    SetDefault,
    StagedColumn,
    Step,
    Table,
    UpdateChanged,
    Upsert,
    Value,
    WriteVersions,
)
from engine.plan.streams import border_step
from engine.plan.world import Reading, TableState, ViewState, World
from engine.sql.dialect import DIALECTS
from engine.sql.render import render, template_name
from tests.unit.plan.stars import FILLED, STAR, WORLD, column, place

GOLDEN = Path(__file__).parents[2] / "golden"
TEMPLATES = Path(__file__).parents[3] / "engine/sql/templates"

INCREMENT = replace(
    WORLD,
    tables=FILLED,
    schema_exists=True,
    readings={
        "dim_user": Reading("2025-06-01 12:00:00.123456+00"),
        "fact_sale": Reading("100"),
    },
)
OUTDATED = replace(
    INCREMENT,
    readings={
        name: Reading(reason="because", reconcile=True, outdated=True)
        for name in ("dim_user", "fact_sale")
    },
)
CHANGED = replace(
    INCREMENT,
    tables={
        **FILLED,
        "fact_sale": TableState(
            {"day_key": "integer", "user_key": "bigint", "sale_id": "integer", "old_key": "bigint"},
            primary_key=("sale_id",),
            not_null=frozenset({"sale_id", "old_key"}),
            unfilled=frozenset({"sale_id", "old_key"}),
            empty=False,
        ),
    },
)
APPENDED = replace(STAR, facts=(replace(STAR.facts[0], load="append"),))
REPLACED = replace(
    STAR,
    dimensions=(STAR.dimensions[0], replace(STAR.dimensions[1], load="replace", source=replace(
        STAR.dimensions[1].source, cursor=None, dedupe=None))),
)  # fmt: skip


def steps_of(plan: Plan) -> list[Step]:
    """Return every step of a plan in the order of its execution."""
    staged = [step for stage in plan.stages for step in stage.steps]
    return [*plan.schema, *staged, *plan.load, *plan.checks]


def said(steps: list[Step], dialect: str) -> str:
    return "".join(
        f"-- {step.entry}: {step.title}\n{render(step, DIALECTS[dialect])};\n\n" for step in steps
    )


COLUMNS = STAR.dimensions[1].columns
VERSIONED = replace(
    STAR,
    dimensions=(
        STAR.dimensions[0],
        replace(
            STAR.dimensions[1],
            columns=(
                *COLUMNS[:2],
                replace(COLUMNS[2], scd=2),
                COLUMNS[3],
                replace(COLUMNS[4], scd=0),
                Column("old name", previous="name", path="dimensions.dim_user.columns.old name"),
            ),
            history=History("changed_at", path="dimensions.dim_user.history"),
        ),
    ),
    facts=(
        replace(
            STAR.facts[0],
            columns=(*STAR.facts[0].columns, Column("seen at", "sold_at + '1 h'", "text")),
            lookups=(
                STAR.facts[0].lookups[0],
                replace(STAR.facts[0].lookups[1], as_of="sold_at"),
                replace(STAR.facts[0].lookups[2], as_of="sold_at + '1 h'"),
            ),
        ),
    ),
)
SEEN = replace(
    INCREMENT,
    tables={
        **FILLED,
        "dim_user": replace(
            FILLED["dim_user"],
            indexes={"dim_user_key": ("country", "user_id"), "dim_user_pkey": ("user_key",)},
        ),
        "fact_sale": replace(
            FILLED["fact_sale"],
            columns={**FILLED["fact_sale"].columns, "seen at": "text"},
        ),
    },
)

FLAG = Dimension(
    "dim_flag",
    "flag_key",
    ("country", "cheap"),
    (
        column("dimensions.dim_flag", "country"),
        column("dimensions.dim_flag", "cheap", "country is null", "boolean"),
    ),
    junk=("fact_sale", "dim_user"),
    special_members=(SpecialMember("unknown", -1),),
    path="dimensions.dim_flag",
)
FLAGGED = replace(
    STAR,
    dimensions=(*STAR.dimensions, FLAG),
    facts=(replace(STAR.facts[0], checks=(), lookups=(Lookup("flag_key", "dim_flag", ()),)),),
)
FLAGS = {"country": "text", "=cheap": "boolean", "cheap": "boolean"}
UNSEEN = replace(
    WORLD,
    sources={**WORLD.sources, "dim_flag": ()},
    types={**WORLD.types, "dim_flag": FLAGS},
)
KNOWN = replace(
    UNSEEN,
    tables={
        **FILLED,
        "dim_flag": TableState(
            {"flag_key": "bigint", "country": "text"},
            primary_key=("flag_key",),
            computed=frozenset({"combination_of old", "their_own"}),
            empty=False,
        ),
    },
)


def flag_steps(world: World) -> list[Step]:
    """Return the steps of a junk dimension, and those of a fact that look it up."""
    steps = steps_of(build(FLAGGED, world, place, ("dim_flag",)))
    return [s for s in steps if s.entry == "dim_flag" or s.title in ("insert new", "create filled")]


DURABLE = replace(
    VERSIONED,
    dimensions=(
        VERSIONED.dimensions[0],
        replace(VERSIONED.dimensions[1], durable_key="user_durable_key"),
    ),
    facts=(
        replace(
            VERSIONED.facts[0],
            lookups=(*VERSIONED.facts[0].lookups[:2], replace(
                VERSIONED.facts[0].lookups[2], key="durable", as_of=None)),
        ),
    ),
)  # fmt: skip
VIEWED = replace(
    SEEN,
    tables={
        **SEEN.tables,
        "dim_user_current": TableState({"user_durable_key": "bigint", "name": "text"}, empty=False),
    },
)
LASTING = (
    "fill durable key", "create current view", "drop current view", "ensure member",
    "add unique index", "prove found", "reject missing",
)  # fmt: skip

PARTITIONED = replace(
    STAR,
    facts=(
        replace(
            STAR.facts[0],
            columns=(*STAR.facts[0].columns, Column("sold at")),
            partition=Partition("sold at", "month", 2, (24, "month"), "facts.fact_sale.partition"),
        ),
    ),
)
TODAY = date(2026, 1, 31)
EARLIER = replace(
    INCREMENT,
    today=TODAY,
    tables={
        **FILLED,
        "fact_sale": replace(
            FILLED["fact_sale"],
            columns={**FILLED["fact_sale"].columns, "sold at": "date"},
            primary_key=("sale_id", "sold at"),
            partitioned_by=("sold at",),
            plain=False,
            partitions={
                "fact_sale_p202312": (date(2023, 12, 1), date(2024, 1, 1)),
                "fact_sale_p202601": (date(2026, 1, 1), date(2026, 2, 1)),
                "fact_sale_p202602": (date(2026, 2, 1), date(2026, 3, 1)),
                "another": None,
            },
        ),
    },
)
DATED = {"fact_sale": {**WORLD.types["fact_sale"], "sold at": "date"}}

BACKFILLED = ("copy", "count source", "update changed", "insert new", "prove range", "delete gone")

SURE = replace(
    VERSIONED,
    dimensions=(
        VERSIONED.dimensions[0],
        replace(
            VERSIONED.dimensions[1],
            natural_key=("user_id",),
            history=History("changed_at", no_overlap=True, path="dimensions.dim_user.history"),
        ),
    ),
    facts=(),
)


USER_TREE = Hierarchy(
    (("country", "name"), ("user_id", "user_id")),
    "user_tree",
    path="dimensions.dim_user.hierarchy",
)
TREES = replace(
    VERSIONED,
    dimensions=(VERSIONED.dimensions[0], replace(VERSIONED.dimensions[1], hierarchy=USER_TREE)),
    facts=(),
)
WARNED = replace(
    TREES,
    dimensions=(
        TREES.dimensions[0],
        replace(TREES.dimensions[1], hierarchy=replace(USER_TREE, cycles="warn")),
    ),
)
CLOSURE = ("ancestor_key", "descendant_key", "depth", "is_top", "is_leaf")
GROWN = replace(
    SEEN,
    tables={
        **SEEN.tables,
        "user_tree": TableState(
            dict.fromkeys(CLOSURE, "bigint"),
            primary_key=("descendant_key", "ancestor_key"),
            empty=False,
        ),
    },
)


def tree_steps(world: World, star: Star = TREES) -> list[Step]:
    """Return the steps of a hierarchy."""
    steps = steps_of(build(star, world, place))
    at = next(n for n, step in enumerate(steps) if step.title == "build links")
    return [steps[at - 1], *(s for s in steps[at:] if isinstance(s, HierarchyStep | AddPrimaryKey))]


BRIDGED = replace(
    STAR,
    facts=(
        replace(STAR.facts[0], bridge=Bridge(("user_key", "sale_id"), "total", path="f.bridge")),
    ),
)


CASES: dict[str, list[Step]] = {
    "bridge": [s for s in build(BRIDGED, WORLD, place).checks if isinstance(s, CheckBridge)],
    "hierarchy_first": tree_steps(WORLD),
    "hierarchy_next": tree_steps(GROWN, WARNED),
    "no_overlap": [
        step
        for extension in (False, True)
        for step in steps_of(build(SURE, replace(WORLD, btree_gist=extension), place))
        if step.title == "add exclusion"
    ],
    "durable_key": [s for s in steps_of(build(DURABLE, VIEWED, place)) if s.title in LASTING],
    "junk_first": flag_steps(UNSEEN),
    "junk_next": flag_steps(KNOWN),
    "partitions_first": [
        s
        for s in steps_of(
            build(
                PARTITIONED,
                replace(WORLD, today=TODAY, types={**WORLD.types, **DATED}),
                place,
            )
        )
        if s.entry == "fact_sale"
    ],
    "backfill": [
        s
        for s in steps_of(
            build(
                PARTITIONED,
                backfilled(
                    PARTITIONED,
                    replace(
                        EARLIER,
                        sources={
                            **WORLD.sources,
                            "fact_sale": (
                                *WORLD.sources["fact_sale"],
                                StagedColumn("sold at", "date"),
                            ),
                        },
                        types={**WORLD.types, **DATED},
                    ),
                    Span(date(2026, 1, 1), date(2026, 2, 1)),
                ),
                place,
            )
        )
        if s.entry == "fact_sale" and s.title in BACKFILLED
    ],
    "partitions_next": [
        s
        for s in steps_of(
            build(PARTITIONED, replace(EARLIER, types={**WORLD.types, **DATED}), place)
        )
        if s.entry == "fact_sale"
    ],
    "history_first": [s for s in steps_of(build(VERSIONED, WORLD, place)) if s.entry != "dim_day"],
    "history_next": [s for s in steps_of(build(VERSIONED, SEEN, place)) if s.entry == "dim_user"],
    "count_several": [
        CountSeveral(
            rows=Rows(Table("stage", "user"), (Value("id", type_),)), match=("id",), number=one
        )
        for type_, one in (("integer", "id"), ("text", ""))
    ],
    "first_run": steps_of(build(STAR, WORLD, place)),
    "next_run": steps_of(build(STAR, INCREMENT, place)),
    "changed_schema": [
        step for step in steps_of(build(STAR, CHANGED, place)) if step.entry == "fact_sale"
    ],
    "outdated": [
        step for step in build(STAR, OUTDATED, place).load if step.title == "count outdated"
    ],
    "append": [s for s in steps_of(build(APPENDED, INCREMENT, place)) if s.entry == "fact_sale"],
    "replace": steps_of(build(REPLACED, INCREMENT, place, ("dim_user",))),
    "ddl": [*create_statements(STAR, World(WORLD.sources, WORLD.types))],
    "clean_up": [DropStage(stage=stage.create.stage) for stage in build(STAR, WORLD, place).stages],
}

MEASURED = replace(
    STAR,
    facts=(
        replace(
            STAR.facts[0],
            columns=(
                STAR.facts[0].columns[0],
                replace(
                    STAR.facts[0].columns[1],
                    description="What it's for",
                    measure=Measure("semi-additive", ("day_key",)),
                    unit="EUR",
                ),
                Column("price", measure=Measure("non-additive")),
            ),
        ),
    ),
)
TOLD = replace(INCREMENT, measures=(("fact_sale", *("",) * 6),))
CASES["measures"] = [
    *(s for s in create_statements(MEASURED, WORLD) if "measure" in repr(s)),
    *(s for s in build(STAR, TOLD, place).schema if s.title == "drop measures"),
]

MILESTONES = replace(
    STAR,
    facts=(
        replace(
            STAR.facts[0],
            load="accumulate",
            columns=(
                *STAR.facts[0].columns,
                Column("sold_at"),
                Column('paid "at"'),
                lag_column(
                    Lag("lag", "sold_at", 'paid "at"', "hours", path="facts.fact_sale.lags")
                ),
            ),
            milestones=("sold_at", 'paid "at"'),
        ),
    ),
)
REACHED = replace(
    INCREMENT,
    tables={
        **FILLED,
        "fact_sale": replace(
            FILLED["fact_sale"],
            columns={**FILLED["fact_sale"].columns, "sold_at": "text", 'paid "at"': "text"},
        ),
    },
)
CASES["accumulate"] = [
    s
    for s in steps_of(build(MILESTONES, REACHED, place))
    if s.entry == "fact_sale" and s.title in ("add column", "keep milestones", "upsert")
]


NOT_YET = replace(
    STAR,
    dimensions=tuple(
        replace(
            dimension,
            special_members=(*dimension.special_members, SpecialMember("not_yet", -2)),
        )
        for dimension in STAR.dimensions
    ),
    facts=(
        replace(
            STAR.facts[0],
            lookups=tuple(replace(lookup, null="not_yet") for lookup in STAR.facts[0].lookups),
        ),
    ),
)
CASES["null_key"] = [
    s
    for s in steps_of(build(NOT_YET, INCREMENT, place))
    if s.entry == "fact_sale" and s.title in ("prove found", "reject missing", "upsert")
]


def deleting(dimension: str, fact: str, **more: object) -> list[Step]:
    """Return what a run does about rows that are gone, by a policy for the dimension and one for the fact."""

    def with_policy(entry, policy):
        deletes = Deletes(policy, Tolerance(percent=Decimal(10)), f"{entry.path}.source.deletes")
        return replace(entry, source=replace(entry.source, deletes=deletes))

    user, sale = more.get("user", STAR.dimensions[1]), more.get("sale", STAR.facts[0])
    star = replace(
        STAR,
        dimensions=(STAR.dimensions[0], with_policy(user, dimension)),
        facts=(with_policy(sale, fact),),
    )
    return [s for s in steps_of(build(star, more["world"], place)) if "dim_day" not in s.entry]


GONE = ("copy keys", "find gone", "prove few gone", "flag gone", "flag referred", "close gone",
        "remove gone", "unflag returned", "reopen returned", "build versions", "write versions",
        "insert versions")  # fmt: skip
CASES["deletes"] = [
    step
    for steps in (
        deleting("flag", "remove", world=INCREMENT),
        deleting("remove", "flag", world=INCREMENT),
        deleting(
            "close",
            "flag",
            user=VERSIONED.dimensions[1],
            world=replace(
                SEEN,
                moments={"dim_user": {"timestamp with time zone": "2026-01-01 00:00:00+00"}},
            ),
        ),
    )
    for step in steps
    if step.title in GONE
]

PERIODS = replace(
    STAR,
    facts=(
        replace(
            STAR.facts[0],
            load="snapshot",
            source=replace(STAR.facts[0].source, cursor=None),
            snapshot=Snapshot("month", "the month"),
        ),
    ),
)
DUE = replace(
    INCREMENT,
    periods={"fact_sale": Periods("the month", "month", date(2026, 1, 1), date(2026, 3, 1))},
)
CASES["snapshot"] = [
    s
    for s in steps_of(build(PERIODS, DUE, place))
    if s.entry == "fact_sale" and s.title in ("copy", "count source", "prove filled", "delete gone")
]

# A version of each user by a time that the query tells, and each seller as it is now, but for deleted ones.
DENSE = replace(
    VERSIONED,
    dimensions=(
        VERSIONED.dimensions[0],
        VERSIONED.dimensions[1],
        replace(
            STAR.dimensions[1],
            name="dim_seller",
            natural_key=("user_id",),
            source=replace(
                STAR.dimensions[1].source, deletes=Deletes("flag", Tolerance(), "d.deletes")
            ),
        ),
    ),
    facts=(
        replace(
            STAR.facts[0],
            load="snapshot",
            grain=("the month", "user_key", "seller_key"),
            source=replace(STAR.facts[0].source, cursor=None),
            columns=(
                Column("the month"),
                Column("total", "price * quantity", "numeric(12,2)", measure=Measure("additive")),
                Column("price", measure=Measure("non-additive")),
                Column("cheap", "price < 1"),
                Column("sold_at"),
            ),
            lookups=(
                replace(STAR.facts[0].lookups[0], null="unknown"),
                replace(STAR.facts[0].lookups[1], as_of="sold_at"),
                Lookup("seller_key", "dim_seller", (("user_id", "seller_id"),), "fail", path="f.l"),
            ),
            partition=Partition("the month", "month", keep=(1, "month"), path="f.partition"),
            snapshot=Snapshot("month", "the month", dense=("user_key", "seller_key")),
            checks=(),
        ),
    ),
)
FILLING = replace(
    SEEN,
    today=date(2026, 3, 31),
    sources={
        **WORLD.sources,
        "dim_seller": WORLD.sources["dim_user"],
        "fact_sale": (*WORLD.sources["fact_sale"], StagedColumn("the month", "date")),
    },
    types={
        **WORLD.types,
        "fact_sale": {
            **WORLD.types["fact_sale"],
            "the month": "date",
            "price": "numeric",
            "cheap": "boolean",
            "=cheap": "boolean",
            "sold_at": "timestamp without time zone",
            "user_key.as_of": "timestamp without time zone",
        },
        "dim_seller": WORLD.types["dim_user"],
    },
    tables={
        **SEEN.tables,
        "dim_seller": FILLED["dim_user"],
        "fact_sale": TableState(
            {
                "day_key": "integer",
                "user_key": "bigint",
                "seller_key": "bigint",
                "the month": "date",
                "total": "numeric(12,2)",
                "price": "numeric",
                "cheap": "boolean",
                "sold_at": "timestamp without time zone",
            },
            primary_key=("the month", "user_key", "seller_key"),
            unique=(("the month", "user_key", "seller_key"),),
            partitioned_by=("the month",),
            empty=False,
        ),
    },
    periods=DUE.periods,
)
CASES["dense"] = [
    s
    for s in build(DENSE, FILLING, place).load
    if s.entry == "fact_sale"
    and s.title
    in (
        "prove filled",
        "fill dense",
        "prove made",
        "add partitions",
        "count unchanged",
        "insert new",
        "delete gone",
    )
]

ADDED_UP = replace(
    STAR,
    aggregates=(
        Aggregate(
            "agg_sale",
            "fact_sale",
            (Group("month", "month_start", "day_key"), Group("who", "user_key")),
            (
                Column("month"),
                Column("who", description="It's the user"),
                Column("sales", "count(*)"),
                Column("paid", "sum(total) -- all", "numeric(12,2)"),
            ),
            (Check("range", ("sales",), low=1),),
            path="aggregates.agg_sale",
        ),
    ),
)
SUMS = {"month": "date", "who": "bigint", "sales": "bigint", "paid": "numeric(12,2)"}
AGGREGATED = replace(WORLD, types={**WORLD.types, "agg_sale": SUMS})
THERE = replace(
    INCREMENT,
    types=AGGREGATED.types,
    tables={
        **FILLED,
        "agg_sale": TableState(SUMS, computed=frozenset({"groups_old_agg_sale"}), empty=False),
    },
)
INDEXED = AddGroupIndex.title
FIRST = [s for s in steps_of(build(ADDED_UP, AGGREGATED, place)) if s.entry == "agg_sale"]
INDEX = next(s.name for s in FIRST if s.title == INDEXED)
NEXT = replace(
    THERE,
    tables={
        **THERE.tables,
        "agg_sale": replace(THERE.tables["agg_sale"], computed=frozenset({INDEX})),
    },
)
CASES["aggregate_first"] = FIRST
CASES["aggregate_next"] = [
    s for s in steps_of(build(ADDED_UP, NEXT, place)) if s.entry == "agg_sale"
]
CASES["aggregate_other_groups"] = [
    s
    for s in steps_of(build(ADDED_UP, THERE, place))
    if s.entry == "agg_sale" and s.title != "fill groups"
]

GONE_SALE = replace(
    ADDED_UP.facts[0],
    source=replace(
        ADDED_UP.facts[0].source, deletes=Deletes("flag", Tolerance(), "f.source.deletes")
    ),
    bridge=Bridge(("sale_id",), "total", path="f.bridge"),
    checks=(
        Check("unique", ("total",)),
        Check("row_count", low=1),
        Check("freshness", ("sold at",), max_age=60),
        Check("not_null", ("total",)),
    ),
)
GONE_USER = replace(
    VERSIONED.dimensions[1],
    source=replace(
        VERSIONED.dimensions[1].source, deletes=Deletes("flag", Tolerance(), "d.source.deletes")
    ),
    checks=(Check("unique", ("name",)), Check("row_count", low=1), Check("not_null", ("name",))),
)
GONE = replace(ADDED_UP, dimensions=(STAR.dimensions[0], GONE_USER), facts=(GONE_SALE,))
PRESENT = replace(SEEN, types={**SEEN.types, "agg_sale": SUMS})
CASES["flagged"] = [
    step
    for step in steps_of(build(GONE, PRESENT, place))
    if step.title in ("fill groups", "check") and step.entry != "dim_day"
]

HELD = replace(
    STAR,
    facts=(
        replace(
            STAR.facts[0],
            source=replace(
                STAR.facts[0].source,
                deletes=Deletes("remove", Tolerance(5), "facts.fact_sale.source.deletes"),
            ),
            lookups=(
                STAR.facts[0].lookups[0],
                replace(STAR.facts[0].lookups[1], missing="hold"),
                replace(STAR.facts[0].lookups[2], missing="hold"),
            ),
        ),
    ),
)
KEPT = replace(INCREMENT, held={"fact_sale": {"sale_id": "integer"}})
WAITING = ("create stage", "create table", "add column", "widen column", "age held", "drop replaced",
           "drop gone held", "retry held", "hold missing", "release held", "keep held", "count held",
           "insert new", "upsert")  # fmt: skip
CASES["held"] = [
    step
    for star, world in ((HELD, INCREMENT), (HELD, KEPT), (STAR, KEPT))
    for step in steps_of(build(replace(star, dimensions=STAR.dimensions), world, place))
    if step.entry == "fact_sale" and step.title in WAITING
]


def early(star: Star) -> Star:
    """Return a star whose second lookup infers members."""
    day, user, *others = star.facts[0].lookups
    fact = replace(star.facts[0], lookups=(day, replace(user, missing="infer"), *others))
    dimension = replace(star.dimensions[1], inferred_by="facts.fact_sale.lookups.user_key")
    return replace(star, dimensions=(star.dimensions[0], dimension), facts=(fact,))


STRICT = replace(
    INCREMENT,
    tables={
        **FILLED,
        "dim_user": replace(FILLED["dim_user"], not_null=frozenset({"user_key", "name"})),
    },
)
INFERRING = ("add column", "analyze", "count unchanged", "complete inferred", "delete gone", "find gone",
             "add unique index", "infer members", "fill durable key", "build versions", "write versions",
             "count inferred")  # fmt: skip
CASES["infer"] = [
    step
    for star, world in ((early(REPLACED), STRICT), (early(DURABLE), SEEN))
    for step in steps_of(build(star, world, place))
    if step.title in INFERRING and step.entry == "dim_user"
]

MEMBERS = {"table": Table("public", "dim_user"), "natural_key": ("country", "user id")}
PECULIAR = Dimension(
    "dim_day",
    "day_key",
    ("date",),
    (Column("date"), Column("holiday_name"), Column("fiscal_week"), Column("month_name")),
    calendar=Calendar(
        date(2024, 12, 20), date(2025, 1, 20), "sunday", 2, (4, 5, 4), "fr", Holidays("DE", "BY")
    ),
)
CASES["calendar"] = [
    step
    for step in steps_of(build(replace(STAR, dimensions=(PECULIAR,), facts=()), WORLD, place))
    if isinstance(step, FillCalendar)
]
CLOCK = Dimension(
    "dim_time",
    "time_key",
    ("time",),
    (Column("time"), Column("day_part"), Column("label")),
    clock=Clock("quarter-hour", (("day", "06:00"), ("night", "22:00"))),
    checks=(Check("row_count", low=96, high=96),),
)
SOLD_AT = Lookup("time_key", "dim_time", (("time", "sold_at"),), "fail")
CASES["clock"] = steps_of(
    build(
        replace(
            STAR,
            dimensions=(CLOCK,),
            facts=(replace(STAR.facts[0], lookups=(SOLD_AT,), checks=()),),
        ),
        WORLD,
        place,
    )
)
PLAYING = replace(
    STAR,
    facts=(
        replace(
            STAR.facts[0],
            lookups=(
                STAR.facts[0].lookups[0],
                STAR.facts[0].lookups[1],
                replace(STAR.facts[0].lookups[2], role="dim_seller", description="Who sold it"),
            ),
        ),
    ),
)
PLAYED = replace(
    INCREMENT,
    views={"dim_seller": ViewState((("seller_key", "bigint"), ("gone", "text")), "dim_user")},
)
CASES["missing"] = [
    FindMissing(entry=step.entry, stage=step.stage, join=step.join)
    for star, world in ((STAR, INCREMENT), (VERSIONED, WORLD))
    for step in steps_of(build(star, world, place))
    if isinstance(step, ProveFound | RejectMissing)
]
# Of a member that was closed the durable key is found, and the key of its last version, but as of a time only
# a version of that time.
CLOSES = Deletes("close", Tolerance(percent=Decimal(10)), "dimensions.dim_user.source.deletes")
ENDING = replace(
    DURABLE,
    dimensions=(
        DURABLE.dimensions[0],
        replace(
            DURABLE.dimensions[1],
            source=replace(DURABLE.dimensions[1].source, deletes=CLOSES),
        ),
    ),
    facts=(
        replace(
            DURABLE.facts[0],
            lookups=(
                DURABLE.facts[0].lookups[0],
                replace(DURABLE.facts[0].lookups[1], as_of=None, missing="hold"),
                DURABLE.facts[0].lookups[2],
                replace(DURABLE.facts[0].lookups[1], column="then_key"),
            ),
        ),
    ),
)
LOOKING = ("upsert", "hold missing", "prove found", "reject missing")
CASES["closed_members"] = [
    step
    for step in steps_of(build(ENDING, KEPT, place))
    if step.entry == "fact_sale" and step.title in LOOKING
]
CASES["roles"] = [
    step
    for world in (WORLD, PLAYED)
    for step in steps_of(build(PLAYING, world, place))
    if isinstance(step, CreateRole | DescribeRole | DropRole)
]
AUDIT = ("run_id", "source", "loaded_at", "updated_at")


def audited(star):
    """Return a star all of whose tables have audit columns."""
    return replace(
        star,
        dimensions=tuple(replace(each, audit=AUDIT) for each in star.dimensions),
        facts=tuple(replace(each, audit=AUDIT) for each in star.facts),
    )


AUDITED = (
    InsertNew | CreateFilled | CreateTable | AddColumn | SetDefault | UpdateChanged | EnsureMember
    | WriteVersions | RepointFacts | Upsert
)  # fmt: skip
CASES["audit"] = [
    step
    for star, world in ((STAR, WORLD), (STAR, INCREMENT), (VERSIONED, SEEN))
    for step in steps_of(build(audited(star), world, place))
    if isinstance(step, AUDITED) and step.entry != "dim_day"
]
JOINED = replace(
    STAR,
    dimensions=(
        STAR.dimensions[0],
        replace(
            STAR.dimensions[1],
            source=replace(
                STAR.dimensions[1].source, more_cursors=(Cursor("user_id", "never"), Cursor("name"))
            ),
        ),
    ),
    facts=(
        replace(
            STAR.facts[0],
            source=replace(
                STAR.facts[0].source,
                cursor=Cursor("sale_id", "never"),
                more_cursors=(Cursor("sold_at", "never"),),
            ),
        ),
    ),
)
CASES["cursors"] = [
    step
    for readings in (
        {},
        {
            "dim_user": Reading("2025-06-01 12:00:00+00", further=("7", "x")),
            "fact_sale": Reading("100", further=("2025-01-01",)),
        },
    )
    for step in steps_of(build(JOINED, replace(INCREMENT, readings=readings), place))
    if isinstance(step, Copy | CountSource | CountNullCursors | ReadCursors)
]
DIVIDED = replace(
    STAR,
    dimensions=tuple(
        replace(each, source=replace(each.source, parallel=Parallel(3, "user_id")))
        if each.source
        else each
        for each in STAR.dimensions
    ),
    facts=(replace(STAR.facts[0], source=replace(STAR.facts[0].source, parallel=Parallel(2))),),
)
CASES["streams"] = [
    *(
        replace(border_step(DIVIDED.dimensions[1], WORLD), column=name, type=type_, parts=2)
        for name, type_ in (
            ("user_id", "integer"),
            ("born on", "date"),
            ("updated_at", "timestamp with time zone"),
        )
    ),
    *(
        step
        for plan in build(
            DIVIDED,
            replace(WORLD, borders={"dim_user": ("10", "20"), "fact_sale": ("7",)}),
            place,
        ).stages
        for copy in (plan.fill, *plan.beside)
        if isinstance(copy, Copy)
        for step in (copy, EstimateRows(copy=copy))
    ),
]
CASES["drift"] = [
    *member_comparisons(
        STAR.dimensions[1],
        [step for step in steps_of(build(STAR, INCREMENT, place)) if step.entry == "dim_user"],
        INCREMENT,
    )
]
CASES["members"] = [
    ReadTypes(table=MEMBERS["table"]),
    ReadVersion(table=MEMBERS["table"]),
    ReadContent(table=MEMBERS["table"]),
    ReadMembers(
        **MEMBERS,
        types=("text", "integer"),
        columns=("user_key", "country", "user id"),
        wanted=(("be'lgium", "1"), ("nl", "2")),
    ),
    ReadChanged(**MEMBERS, columns=("user_key", "country", "user id"), transaction="123"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES)
def test_the_sql_is_as_reviewed(case, dialect, request):
    file = GOLDEN / dialect / f"{case}.sql"
    text = said(CASES[case], dialect)
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_every_template_is_in_a_golden_file():
    shown = {template_name(type(step)) for steps in CASES.values() for step in steps}
    written = {file.name for file in TEMPLATES.rglob("*.sql")}
    assert shown == written - {"copied.sql"}  # which two of them include

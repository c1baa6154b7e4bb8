"""A star as literals: what planning is tested with, and what the golden files say in SQL."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from engine.errors import Place
from engine.mapping.calendar import CALENDAR_COLUMNS
from engine.mapping.model import (
    Calendar,
    Check,
    Column,
    Connection,
    Cursor,
    Dimension,
    Fact,
    Lookup,
    Source,
    SpecialMember,
    Star,
    Tolerance,
)
from engine.plan.steps import StagedColumn
from engine.plan.world import TableState, World

NOBODY = SpecialMember(
    "nobody",
    -2,
    (("country", "--"), ("user_id", 0)),
    "dimensions.dim_user.special_members.nobody",
)
CONNECTIONS = (Connection("source", "SOURCE"), Connection("warehouse", "WAREHOUSE", "mart"))
UNKNOWN = SpecialMember(
    "unknown", -1, (("name", "Unknown"),), "dimensions.dim_user.special_members.unknown"
)


def column(entry: str, name: str, expr: str | None = None, type_: str | None = None) -> Column:
    return Column(name, expr, type_, path=f"{entry}.columns.{name}")


def check(entry: str, number: int, kind: str, **fields: object) -> Check:
    return Check(kind, path=f"{entry}.checks.{number}", **fields)  # type: ignore[arg-type]


DAY = Dimension(
    "dim_day",
    "day_key",
    ("date",),
    tuple(column("dimensions.dim_day", name) for name, _, _ in CALENDAR_COLUMNS),
    calendar=Calendar(date(2024, 1, 1), date(2025, 12, 31), "sunday", 7),
    path="dimensions.dim_day",
)
USER = Dimension(
    "dim_user",
    "user_key",
    ("country", "user_id"),
    (
        column("dimensions.dim_user", "country"),
        column("dimensions.dim_user", "user_id"),
        column("dimensions.dim_user", "name"),
        column("dimensions.dim_user", 'Weird "Name"', "upper(name) -- shout", "varchar(10)"),
        column("dimensions.dim_user", "settings"),
    ),
    source=Source(
        "SELECT * FROM users -- all",
        cursor=Cursor("changed_at", "always", path="dimensions.dim_user.source.cursor"),
        dedupe="changed_at desc",
        path="dimensions.dim_user.source",
    ),
    special_members=(UNKNOWN, NOBODY),
    checks=(
        check("dimensions.dim_user", 0, "not_null", columns=("name",), reject=True),
        check("dimensions.dim_user", 1, "unique", columns=("name",)),
        check("dimensions.dim_user", 2, "row_count", low=1),
    ),
    description="It's a user",
    path="dimensions.dim_user",
)
SALE = Fact(
    "fact_sale",
    Source(
        "SELECT * FROM sales",
        cursor=Cursor("sale_id", "never", path="facts.fact_sale.source.cursor"),
        path="facts.fact_sale.source",
    ),
    ("sale_id",),
    (
        column("facts.fact_sale", "sale_id"),
        column("facts.fact_sale", "total", "price * quantity", "numeric(12,2)"),
    ),
    lookups=(
        Lookup(
            "day_key",
            "dim_day",
            (("date", "sold_at"),),
            "fail",
            path="facts.fact_sale.lookups.day_key",
        ),
        Lookup(
            "user_key",
            "dim_user",
            (("country", "country"), ("user_id", "user_id")),
            "unknown",
            path="facts.fact_sale.lookups.user_key",
        ),
        Lookup(
            "seller_key",
            "dim_user",
            (("country", "'NL'"), ("user_id", "seller_id")),
            "reject",
            path="facts.fact_sale.lookups.seller_key",
        ),
    ),
    load="upsert",
    checks=(
        check("facts.fact_sale", 0, "range", columns=("total",), low=0, high=Decimal("99.5")),
        check(
            "facts.fact_sale", 1, "accepted", columns=("sale_id",), values=(1, 2), severity="warn"
        ),
        check("facts.fact_sale", 2, "references", columns=("user_key",), dimension="dim_user"),
        check(
            "facts.fact_sale",
            3,
            "sql",
            sql="SELECT 1 FROM {{ this }} WHERE total < 0",
            tolerance=Tolerance(percent=Decimal(1)),
        ),
        check("facts.fact_sale", 4, "freshness", columns=("sale_id",), max_age=3600),
        check("facts.fact_sale", 5, "row_count"),
    ),
    path="facts.fact_sale",
)
STAR = Star("shop", (DAY, USER), (SALE,), CONNECTIONS)

USERS = (
    StagedColumn("country", "text", "text"),
    StagedColumn("user_id", "integer"),
    StagedColumn("name", "character varying(50)"),
    StagedColumn("settings", "json"),
    StagedColumn("changed_at", "timestamp with time zone"),
)
SALES = (
    StagedColumn("sale_id", "bigint"),
    StagedColumn("sold_at", "timestamp without time zone"),
    StagedColumn("country", "text"),
    StagedColumn("user_id", "integer"),
    StagedColumn("seller_id", "integer"),
    StagedColumn("price", "numeric"),
    StagedColumn("quantity", "integer"),
)
TYPES = {
    "dim_user": {
        "country": "text",
        "user_id": "integer",
        "name": "character varying(50)",
        "settings": "json",
        '=Weird "Name"': "text",
        'Weird "Name"': "character varying(10)",
    },
    "fact_sale": {
        "sale_id": "bigint",
        "=total": "numeric",
        "total": "numeric(12,2)",
        "day_key.date": "timestamp without time zone",
        "user_key.country": "text",
        "user_key.user_id": "integer",
        "seller_key.country": "text",
        "seller_key.user_id": "integer",
    },
}
WORLD = World(
    sources={"dim_user": USERS, "fact_sale": SALES},
    types=TYPES,
    limits={"dim_user": {"timestamp with time zone": "2026-01-01 00:00:00+00"}},
)
FILLED = {
    "dim_day": TableState(
        {"day_key": "integer", **{name: type_ for name, type_, _ in CALENDAR_COLUMNS}},
        primary_key=("day_key",),
        unique=(("day_key",), ("date",)),
        empty=False,
    ),
    "dim_user": TableState(
        {
            "user_key": "bigint",
            "country": "text",
            "user_id": "integer",
            "name": "character varying(50)",
            'Weird "Name"': "character varying(10)",
            "settings": "json",
        },
        primary_key=("user_key",),
        unique=(("user_key",), ("country", "user_id")),
        empty=False,
    ),
    "fact_sale": TableState(
        {
            "day_key": "integer",
            "user_key": "bigint",
            "seller_key": "bigint",
            "sale_id": "bigint",
            "total": "numeric(12,2)",
        },
        primary_key=("sale_id",),
        unique=(("sale_id",),),
        empty=False,
    ),
}


def place(path: str) -> Place:
    """Give every path a place, so that rules show one."""
    return Place("shop.yml", len(path), 1, path)

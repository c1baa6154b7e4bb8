"""Turn one step into one statement, by the template of the step's name."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from engine.plan.steps import Step
from engine.sql import fragments, members, quote
from engine.sql.compiled import Compiled
from engine.sql.dialect import DIALECTS, POSTGRES, Dialect
from engine.sql.quote import Fragment

FILTERS = {
    "ident": quote.ident,
    "table": quote.table,
    "column": quote.column,
    "columns": quote.columns,
    "literal": quote.literal,
    "typed": quote.typed,
    "type": quote.type_name,
    "query": quote.query,
    "this": lambda sql, table: quote.query(sql.replace("{{ this }}", quote.table(table))),
    "order": quote.ordering,
    "equal": fragments.equal,
    "equals": fragments.equals,
    "same": fragments.same,
    "parent_of": fragments.parent_of,
    "distinct": fragments.distinct,
    "unlike": fragments.unlike,
    "changed": fragments.changed,
    "differs": fragments.differs,
    "any_null": fragments.any_null,
    "no_null": fragments.no_null,
    "listed": quote.listed,
    "computed": quote.expression,
    "stamps": fragments.stamps,
    "definition": fragments.definition,
    "value": fragments.value,
    "kept": fragments.kept,
    "staged": fragments.staged,
    "asked": fragments.asked,
    "window": fragments.window,
    "inside": fragments.inside,
    "within": fragments.within,
    "digits": fragments.digits,
    "branches": fragments.branches,
    "lacking": fragments.lacking,
    "believed": fragments.believed,
    "bytewise": fragments.bytewise,
    "probes": fragments.probes,
    "looked_for": fragments.looked_for,
    "keyless": fragments.keyless,
    "looked_at": fragments.looked_at,
    "meets": fragments.meets,
    "rows": fragments.rows,
    "present": fragments.present,
    "unread": fragments.unread,
    "made_up": fragments.made_up,
    "broken": fragments.broken,
    "version": members.version,
    "settled": members.settled,
    "texts": members.texts,
    "wanted": members.wanted,
    "meant": members.meant,
}


def _printable(value: Any) -> Any:
    """Refuse to print anything but a Fragment: an unquoted value is a bug of the template."""
    if not isinstance(value, Fragment):
        raise TypeError(f"a template may print fragments only, not {type(value).__name__}")
    return value


@cache
def _environment(dialect: Dialect) -> Environment:
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader("engine.sql", f"templates/{folder}") for folder in dialect.folders]
        ),
        undefined=StrictUndefined,
        finalize=_printable,
        bytecode_cache=Compiled(),
        auto_reload=False,
        autoescape=False,  # noqa: S701  (this is SQL, not HTML; finalize lets only fragments through)
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def template_name(step: type[Step]) -> str:
    """Return the template of a kind of step: UpdateChanged is said by update_changed.sql."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", step.__name__).lower() + ".sql"


def render(step: Step, dialect: Dialect = POSTGRES) -> str:
    """Say a step in SQL: one statement, without a semicolon at its end."""
    template = _environment(dialect).get_template(template_name(type(step)))
    return template.render(step=step).strip()


def compile_all() -> None:
    """Compile every template, for an installation whose users cannot write there."""
    for dialect in DIALECTS.values():
        environment = _environment(dialect)
        for name in environment.list_templates(extensions=["sql"]):
            environment.get_template(name)

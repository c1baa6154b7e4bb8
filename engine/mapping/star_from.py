"""A document as the model: defaults filled in, short forms made long, Jinja rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.errors import Problem
from engine.mapping.aggregates_from import aggregates_from
from engine.mapping.audit import audited
from engine.mapping.dimensions_from import dimension_from
from engine.mapping.document import Document
from engine.mapping.facts_from import fact_from
from engine.mapping.model import Connection, Fact, Scalar, Star
from engine.mapping.scalars import Plain
from engine.mapping.texts import Texts
from engine.mapping.values import listed


def star_from(
    document: Document, data: Mapping[str, Plain], values: Mapping[str, Scalar]
) -> tuple[Star, list[Problem]]:
    """Return the star, and what is wrong with its texts; `data` is what has the right shape."""
    texts = Texts(document, values)
    given = data.get("dimensions") or {}
    natural_keys = {
        name: tuple(entry.get("columns", ()))
        if "junk" in entry
        else tuple(listed(entry.get("natural_key", "time" if "clock" in entry else "date")))
        for name, entry in given.items()
    }
    audit = audited(data.get("audit", False))
    dimensions = tuple(
        dimension_from(name, entry, texts, natural_keys, audit) for name, entry in given.items()
    )
    facts = tuple(
        fact_from(name, entry, texts, natural_keys, audit)
        for name, entry in (data.get("facts") or {}).items()
    )
    inferring = _inferring(facts)
    star = Star(
        name=str(data.get("name", "")),
        dimensions=tuple(replace(d, inferred_by=inferring.get(d.name, "")) for d in dimensions),
        facts=facts,
        connections=_connections(data.get("connections") or {}),
        description=str(data.get("description", "")),
        aggregates=aggregates_from(data.get("aggregates") or {}, texts),
    )
    return star, texts.problems


def _inferring(facts: Iterable[Fact]) -> dict[str, str]:
    """Return the dimensions of which facts infer members, with the path of the first lookup that does."""
    infer = [x for fact in facts for x in fact.lookups if x.missing == "infer"]
    return {lookup.dimension: lookup.path for lookup in reversed(infer)}


def _connections(data: Mapping[str, Plain]) -> tuple[Connection, ...]:
    """Return the sources, then the warehouse; `source` is there even if nothing says so."""
    given = {"source": {"env": "SOURCE"}, **data}
    sources = [
        Connection(name, entry["env"]) for name, entry in given.items() if name != "warehouse"
    ]
    target = {"env": "WAREHOUSE", **data.get("warehouse", {})}
    return (*sources, Connection("warehouse", target["env"], target.get("schema", "public")))

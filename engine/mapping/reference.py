"""docs/mapping-reference.md, written from schema.json: `python -m engine.mapping.reference`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TypeAlias

from engine.mapping.calendar import ALL_COLUMNS, CalendarColumn
from engine.mapping.clock import CLOCK_COLUMNS
from engine.mapping.scalars import Plain
from engine.mapping.shape import schema
from engine.values import dataclass

Schema: TypeAlias = dict[str, Plain]

_HEAD = """# Mapping reference

Every key of a mapping file. Written from `engine/mapping/schema.json` by
`python -m engine.mapping.reference`; change the schema, not this file. An editor that knows YAML
schemas completes and explains the same keys when the file begins with

```yaml
# yaml-language-server: $schema=../engine/mapping/schema.json
```

A *name* is any text that does not begin with `$`, of at most 63 bytes. A *duration* is a number and
a unit: `30s`, `10m`, `1h`, `7d`, `2w`. A *date* is written `2020-01-31`. *SQL* may hold Jinja with
`{{ vars.name }}`, `{% if %}` and a `{% for %}` over a list or `range()`, and nothing else of it.
Only `true` and `false` are truth values; `yes`, `no`, `on` and `off` are text.
"""
# What the headings of GitHub make of these titles is linked to, so no key may be called the same.
_SECTIONS = {
    "dimension": "A dimension",
    "fact": "A fact",
    "aggregate": "An aggregate",
    "calendar": "A calendar",
    "clock": "A clock",
    "source": "A source",
    "cursor": "A cursor",
    "columns": "The columns",
    "measure": "A measure",
    "lookup": "A lookup",
    "check": "A check",
}
_KINDS = {
    "identifier": "a name in lower case",
    "prefix": "a prefix in capitals",
    "column_name": "a name",
    "column_names": "a name, or a list of names",
    "lookup_names": "a name, or a list of names",
    "texts": "a text, or a list of texts",
    "sql": "SQL",
    "scalar": "a single value",
    "duration": "a duration",
    "days": "a number of days or weeks",
    "date": "a date",
    "audit": "true or false, or a list of `run_id`, `source`, `loaded_at`, `updated_at`",
    "checks": "[a check](#a-check), or a list of checks",
    "delete_policy": "`ignore`, `flag`, `close` or `remove`",
    "tolerance": "a whole number, or a percentage",
}
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "object": "a map",
    "array": "a list",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key by its path within its section, such as `range.<column>.min`."""

    path: str
    schema: Schema
    required: str = ""


def reference() -> str:
    """Return the text of docs/mapping-reference.md."""
    whole = schema()
    parts = [_HEAD, *_section("The file", whole)]
    for name, title in _SECTIONS.items():
        parts += _section(title, whole["$defs"][name])
    return "\n".join(
        [*parts, *_generated("calendar", ALL_COLUMNS), *_generated("clock", CLOCK_COLUMNS)]
    )


def _section(title: str, section: Schema) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{section['description']}\n"
    if "examples" in section:
        yield _examples("columns", section["examples"])
    for key in _keys(section, "columns." if title == "The columns" else ""):
        if "description" in key.schema:
            yield from _entry(key)


def _keys(section: Schema, prefix: str) -> Iterator[Key]:
    """Yield the keys of a map and of the maps inside of it, as far as they have no section."""
    required = section.get("required", [])
    with_source = section.get("then", {}).get("required", [])
    for name, each in section.get("properties", {}).items():
        word = "required" if name in required else ""
        word = "required with `source`" if name in with_source else word
        yield Key(f"{prefix}{name}", each, word)
        yield from _keys(each, f"{prefix}{name}.")
    more = section.get("additionalProperties")
    if isinstance(more, dict):
        yield Key(f"{prefix}<name>", more)
        yield from _keys(more, f"{prefix}<name>.")
    for branch in section.get("anyOf", []):
        yield from _keys(branch, prefix)


def _entry(key: Key) -> Iterator[str]:
    yield f"### `{key.path}`\n"
    facts = [_kind(key.schema), key.required]
    if "default" in key.schema:
        facts.append(f"default `{_scalar(key.schema['default'])}`")
    yield "*" + "; ".join(fact for fact in facts if fact) + "*\n"
    yield f"{key.schema['description']}\n"
    if "examples" in key.schema:
        yield _examples(key.path.rpartition(".")[2], key.schema["examples"])


def _kind(each: Schema) -> str:
    """Return in words what may stand there."""
    if "$ref" in each:
        name = each["$ref"].rpartition("/")[2]
        if name in _KINDS:
            return _KINDS[name]
        title = _SECTIONS[name]
        return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"
    if "enum" in each:
        return _or([f"`{_scalar(value)}`" for value in each["enum"]])
    if "const" in each:
        return f"`{_scalar(each['const'])}`"
    if "anyOf" in each:
        return _or([_kind(branch) for branch in each["anyOf"]])
    kinds = [each["type"]] if isinstance(each["type"], str) else each["type"]
    return _or([_TYPES[kind] for kind in kinds])


def _examples(name: str, examples: list[Plain]) -> str:
    return "```yaml\n" + "".join(f"{_example(name, each)}\n" for each in examples) + "```\n"


def _example(name: str, value: Plain) -> str:
    if isinstance(value, dict) and None in value.values():
        return "\n".join([f"{name}:", *(f"  {_example(key, each)}" for key, each in value.items())])
    text = _flow(value) if isinstance(value, dict | list) else _text(value, inside=False)
    return f"{name}: {text}".rstrip()


def _flow(value: Plain) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    return _text(value, inside=True)


def _text(value: Plain, *, inside: bool) -> str:
    """Return a single value as YAML; `inside` of brackets more signs must be in quotes."""
    if value is None:
        return ""
    text = _scalar(value)
    special = ",[]{}" if inside else ""
    quote = (
        text[0] in "{}[]&*#?|-<>=!%@`'\"" or ": " in text or any(sign in text for sign in special)
    )
    return json.dumps(text) if isinstance(value, str) and quote else text


def _generated(of: str, columns: tuple[CalendarColumn, ...]) -> Iterator[str]:
    yield f"## The columns of a {of}\n"
    yield "| column | type | meaning |\n|---|---|---|"
    for column in columns:
        yield f"| `{column.name}` | {column.type} | {column.description} |"
    yield ""


def _scalar(value: Plain) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


if __name__ == "__main__":
    sys.stdout.write(reference())

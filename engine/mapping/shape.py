"""The shape of a document against schema.json: each deviation is one problem at its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from engine.errors import Problem, did_you_mean
from engine.mapping.document import LANGUAGE, Deviation, Document
from engine.mapping.scalars import Plain, shown
from engine.values import dataclass

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "object": "a map",
    "array": "a list",
}


@dataclass(frozen=True, slots=True)
class _Failure:
    """A ValidationError in plain types: which keyword, of which schema, at which entry."""

    keyword: str
    wanted: Plain
    found: Plain
    keys: tuple[str, ...]
    schema: dict[str, Plain]
    message: str
    of_name: bool  # about the name of a key, not about its value
    root: bool  # at the very entry whose alternatives are tried
    branches: tuple[tuple[_Failure, ...], ...]
    definitions: dict[str, Plain]

    @property
    def path(self) -> str:
        return ".".join(self.keys)

    @property
    def own_message(self) -> str:
        return str(self.schema.get("errorMessage", ""))

    @property
    def unknown(self) -> list[str]:
        """The keys of the entry that the schema does not know."""
        return [str(name) for name in self.found if name not in self.schema.get("properties", {})]


def schema(package: str = LANGUAGE) -> dict[str, Plain]:
    """Return the schema.json of a package, the authority on the language."""
    text = files(package).joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Plain] = json.loads(text)
    return loaded


def departures(document: Document, *, part: bool, package: str) -> list[Deviation]:
    """Return every deviation from the schema of a package (deviations.py asks for what is not known)."""
    errors = _validator(package, part=part).iter_errors(document.data)
    definitions = schema(package).get("$defs", {})
    return list(_explained([_failure(error, definitions) for error in errors], document))


def _pattern(_: Plain, pattern: str, instance: Plain, __: Plain) -> Iterator[ValidationError]:
    # In Python `$` also matches before a line end; in JSON Schema it does not.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(pattern)


def _required(
    _: Plain, required: list[str], instance: Plain, __: Plain
) -> Iterator[ValidationError]:
    # One error for each key, with the key as its message: nobody has to take it out of a sentence.
    if isinstance(instance, dict):
        yield from (ValidationError(name) for name in required if name not in instance)


@cache
def _validator(package: str, *, part: bool) -> Plain:
    checked: Plain = extend  # untyped in types-jsonschema
    kind = checked(Draft202012Validator, {"pattern": _pattern, "required": _required})
    whole = schema(package)
    formats = Draft202012Validator.FORMAT_CHECKER
    return kind({**whole, "required": []} if part else whole, format_checker=formats)


def _failure(error: Plain, definitions: dict[str, Plain]) -> _Failure:
    branches: dict[int, list[_Failure]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.schema_path[0]), []).append(_failure(inner, definitions))
    return _Failure(
        keyword=str(error.validator),
        wanted=error.validator_value,
        found=error.instance,
        keys=tuple(str(key) for key in error.absolute_path),
        schema=error.schema,
        message=error.message,
        of_name="propertyNames" in error.absolute_schema_path
        and not isinstance(error.instance, dict),
        root=not error.path,
        branches=tuple(tuple(failures) for failures in branches.values()),
        definitions=definitions,
    )


def _explained(failures: Iterable[_Failure], document: Document) -> Iterator[Deviation]:
    """Explain each failure that says something new: beside another some only repeat it."""
    listed = list(failures)
    unknown = {failure.keys for failure in listed if failure.keyword == "additionalProperties"}
    mistyped = {failure.keys for failure in listed if failure.keyword == "type"}
    meant = {word for failure in listed for word in _meant(failure)}
    for failure in listed:
        repeats = failure.keyword == "oneOf" and failure.keys in unknown | mistyped
        if not repeats and not (
            failure.keyword == "required" and (*failure.keys, failure.message) in meant
        ):
            yield from _explain(failure, document)


def _explain(failure: _Failure, document: Document) -> Iterator[Deviation]:
    if failure.keyword == "anyOf":
        yield from _alternatives(failure, document)
    elif failure.keyword == "additionalProperties":
        for name in failure.unknown:
            keys = (*failure.keys, name)
            hint = _further_down(failure, name) or did_you_mean(name, failure.schema["properties"])
            where = document.key_place(".".join(keys))
            yield Deviation(Problem(where, f"unknown key '{name}'", hint), keys)
    elif failure.of_name:
        keys = (*failure.keys, str(failure.found))
        where = document.key_place(".".join(keys))
        yield Deviation(Problem(where, *_message(failure)), keys)
    else:
        yield Deviation(document.problem(failure.path, *_message(failure)), failure.keys)


def _further_down(failure: _Failure, name: str) -> str:
    """Return a hint that names the key beside an unknown one whose map knows it, if there is one."""
    found = failure.found
    choice = {word for one in failure.schema.get("oneOf", ()) for word in one["required"]}
    others = choice - set(found) if choice & set(found) else set()
    maps = {
        key: _map_of(part, failure.definitions)
        for key, part in failure.schema["properties"].items()
        if key not in others
    }
    homes = [key for key, each in maps.items() if name in each.get("properties", ())]
    homes = [key for key in homes if key in found] or homes
    if len(homes) == 1 and isinstance(found.get(homes[0]), str):  # the short form of a map
        words = (*maps[homes[0]].get("required", ()), name)
        return f"write {homes[0]}: {{{', '.join(f'{word}: ...' for word in words)}}}"
    return "it belongs under " + _or([f"{key}:" for key in homes]) if homes else ""


def _map_of(part: dict[str, Plain], definitions: dict[str, Plain]) -> dict[str, Plain]:
    """Return the schema of the map that may stand there, an empty one when it has no keys of its own."""
    part = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    branches = (_map_of(each, definitions) for each in part.get("anyOf", ()))
    return part if "properties" in part else next((each for each in branches if each), {})


def _alternatives(failure: _Failure, document: Document) -> Iterator[Deviation]:
    """Explain the one alternative that has the type of what is there, or name the types of all."""
    fitting = [
        branch
        for branch in _tried(failure)
        if not any(inner.root and inner.keyword in ("type", "const") for inner in branch)
    ]
    if fitting and (isinstance(failure.found, dict | list) or not failure.own_message):
        yield from _explained(fitting[0], document)
        return
    if failure.own_message:
        what, hint = _message(failure)
    else:
        kinds = [kind for branch in _tried(failure) for inner in branch for kind in _types(inner)]
        what, hint = _wrong_type(failure.found, list(dict.fromkeys(kinds)))
    yield Deviation(document.problem(failure.path, what, hint), failure.keys)


def _tried(failure: _Failure) -> Iterator[tuple[_Failure, ...]]:
    """Yield every alternative; of one that is a choice itself, those that it has."""
    for branch in failure.branches:
        if len(branch) == 1 and branch[0].root and branch[0].keyword == "anyOf":
            yield from _tried(branch[0])
        else:
            yield branch


def _message(failure: _Failure) -> tuple[str, str]:
    """Return what is wrong and the hint."""
    if failure.own_message and failure.keyword == "oneOf":
        return f"{failure.own_message}; {_present(failure)}", ""
    if failure.own_message and failure.schema.get("type") != "object":
        return f"found {shown(failure.found)}", failure.own_message
    return _MESSAGES[failure.keyword](failure)


def _wrong_type(found: object, kinds: list[str]) -> tuple[str, str]:
    wanted = "a single value" if len(kinds) > 3 else _or(kinds)
    quote = "text" in kinds and isinstance(found, bool | int | float)
    return f"expected {wanted}, found {shown(found)}", "put it in quotes" if quote else ""


def _mistyped(failure: _Failure) -> tuple[str, str]:
    what, hint = _wrong_type(failure.found, _types(failure))
    return what, failure.schema.get("typeMessage", hint)


def _not_listed(failure: _Failure) -> tuple[str, str]:
    known = [str(value) for value in failure.wanted]
    hint = did_you_mean(str(failure.found), known)
    what = f"expected {_or(known)}, found {shown(failure.found)}"
    return what, hint if hint.startswith("did") else ""


def _repeated(failure: _Failure) -> tuple[str, str]:
    items = failure.found
    twice = next((item for at, item in enumerate(items) if item in items[:at]), items[0])
    return f"{shown(twice)} is given twice", "name it once"


_MESSAGES: dict[str, Callable[[_Failure], tuple[str, str]]] = {
    "type": _mistyped,
    "enum": _not_listed,
    "const": lambda failure: (
        f"expected {failure.wanted}, found {shown(failure.found)}",
        "write it without quotes" if str(failure.wanted) == failure.found else "",
    ),
    "required": lambda failure: (
        f"the key '{failure.message}' is missing",
        _example(failure.schema, failure.message),
    ),
    "minItems": lambda _: ("the list is empty", "name at least one"),
    "minProperties": lambda _: (
        "the map is empty",
        "name at least one entry, or leave the key out",
    ),
    "minLength": lambda _: ("the text is empty", "write something, or leave the key out"),
    "minimum": lambda failure: (
        f"expected {failure.wanted} or more, found {shown(failure.found)}",
        "",
    ),
    "maximum": lambda failure: (
        f"expected {failure.wanted} or less, found {shown(failure.found)}",
        "",
    ),
    "uniqueItems": _repeated,
}


def _example(part: dict[str, Plain], name: str) -> str:
    """Return a hint that shows a key which is missing with a value, where the schema has a short one."""
    key = part.get("properties", {}).get(name, {})
    if "const" in key:
        return f"add {name}: {key['const']}"
    short = [each for each in key.get("examples", ()) if not isinstance(each, dict | list)]
    return part.get("missingMessage", {}).get(name) or (
        f"such as {name}: {short[0]}" if short else ""
    )


def _meant(failure: _Failure) -> Iterator[tuple[str, ...]]:
    """Yield the keys that a misspelt key stands for, as far as that is clear."""
    if failure.keyword == "additionalProperties":
        for name in failure.unknown:
            if _further_down(failure, name):
                continue
            close = re.fullmatch(
                "did you mean '(.*)'\\?", did_you_mean(name, failure.schema["properties"])
            )
            if close:
                yield (*failure.keys, close[1])


def _types(failure: _Failure) -> list[str]:
    if failure.keyword != "type":
        return []
    wanted = [failure.wanted] if isinstance(failure.wanted, str) else failure.wanted
    return [_KINDS[kind] for kind in wanted]


def _present(failure: _Failure) -> str:
    present = [name for one in failure.wanted for name in one["required"] if name in failure.found]
    return "it has " + (" and ".join(present) if present else "none")


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]

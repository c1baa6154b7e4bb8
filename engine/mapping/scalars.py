"""What a plain scalar means, by YAML 1.2 core: `no`, `on` and 1:30 are text, no surprises."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from engine.mapping.model import Scalar

# What YAML gives: scalars, lists and maps of them. Its exact shape is what schema.json says.
Plain: TypeAlias = Any

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".nan": float("nan"),
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
}
# At most 18 digits, which always fit a bigint; longer ones stay text, exactly as written.
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_BASED = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
# More digits than a float holds would be rounded in silence, so they stay text too.
_FLOAT_DIGITS = 15


def resolve(text: str) -> Scalar:
    """Return the value of an unquoted scalar; dates stay text, the language says where they are."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and _digits(text) <= _FLOAT_DIGITS:
        return float(text)
    return text


def _digits(text: str) -> int:
    mantissa = re.split("[eE]", text, maxsplit=1)[0]
    return len(mantissa.replace(".", "").lstrip("+-0"))


def shown(value: object) -> str:
    """Return a value as a person would name it in a message: short, and with its kind."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
    return str(value)

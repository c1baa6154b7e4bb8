"""How a text shows that it holds a template; apart from Jinja, which is slow to import."""

from __future__ import annotations

MARKS = ("{{", "{%", "{#")


def has_template(text: str) -> bool:
    """Say whether there is anything for Jinja to do."""
    return any(mark in text for mark in MARKS)

"""From a character of a scalar's value to the character of the file it was written as."""

from __future__ import annotations

from difflib import SequenceMatcher

# How long an escape of a double-quoted scalar is, by the character after the backslash.
_ESCAPES = {"x": 4, "u": 6, "U": 10}
_BLANK = " \t\n"
# Texts longer than this are aligned by their common ends alone: difflib is quadratic.
_ALIGNED = 4000


def scalar_offset(raw: str, style: str, value: str, offset: int) -> int:
    """Return the index in `raw`, as written in the file, of character `offset` of the value.

    `style` is "" for plain, a quote, `|` or `>`. An offset beyond the end gives the end.
    """
    offset = max(0, min(offset, len(value)))
    if style == "|":
        return _literal(raw, value, offset)
    return _folded(raw, style, value, offset)


def _literal(raw: str, value: str, offset: int) -> int:
    """Each line of a literal block is a line of the file, less its indentation."""
    line = value.count("\n", 0, offset)
    written = raw.split("\n")[1:]
    if line >= len(written):
        return len(raw)
    start = raw.index("\n") + 1 + sum(len(text) + 1 for text in written[:line])
    begin = value.rfind("\n", 0, offset) + 1
    text = value[begin:].split("\n", 1)[0]
    return min(start + max(0, len(written[line]) - len(text)) + offset - begin, len(raw))


def _folded(raw: str, style: str, value: str, offset: int) -> int:
    """Folding changes blanks alone: the n-th visible character is the n-th of the file."""
    visible = sum(character not in _BLANK for character in value[:offset])
    blanks = offset - len(value[:offset].rstrip(_BLANK))
    at = 1 if style in ("'", '"') else 0
    if style == ">":
        at = raw.find("\n") + 1 or len(raw)
    last = at  # the end of the visible character before
    while at < len(raw):
        width, blank = _unit(raw, style, at)
        if not blank:
            if visible == 0:
                break
            visible -= 1
            last = at + width
        at += width
    if offset < len(value) and value[offset] not in _BLANK:
        return min(at, len(raw))
    return min(last + blanks, at, len(raw))


def _unit(raw: str, style: str, at: int) -> tuple[int, bool]:
    """Return how many characters the one at `at` is written with, and whether it is a blank."""
    if style == "'" and raw[at : at + 2] == "''":
        return 2, False
    if style == '"' and raw[at] == "\\":
        width = _ESCAPES.get(raw[at + 1 : at + 2], 2)
        code = raw[at + 1 : at + width]
        hexadecimal = code[1:] if width > 2 else ""
        return width, code in ("n", "t", " ", "\n") or hexadecimal.lstrip("0") in (
            "9",
            "A",
            "a",
            "20",
        )
    return 1, raw[at] in _BLANK


def moved(offset: int, rendered: str, raw: str) -> int:
    """Return the offset in `raw` that best answers `offset` in `rendered`, the text made of it.

    Exact outside of templates; for what a template printed it is where the template begins.
    """
    offset = max(0, min(offset, len(rendered)))
    head = _common(rendered, raw)
    if offset <= head and (offset < head or rendered == raw):
        return offset
    tail = min(_common(rendered[::-1], raw[::-1]), len(rendered) - head, len(raw) - head)
    if offset >= len(rendered) - tail:
        return len(raw) - (len(rendered) - offset)
    if len(rendered) + len(raw) > _ALIGNED:
        return head
    best = head
    for block in SequenceMatcher(None, rendered, raw, autojunk=False).get_matching_blocks():
        if block.a <= offset < block.a + block.size:
            return block.b + offset - block.a
        if block.a + block.size <= offset:
            best = max(best, block.b + block.size)
    return best


def _common(one: str, other: str) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count

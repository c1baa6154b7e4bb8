"""A report adds up, and says so as text and as JSON."""

from __future__ import annotations

import json

from engine.plan.quality import Verdict
from engine.plan.steps import Done, Notice
from engine.report import Report, as_json, as_text, entry_report

STEPS = (
    Done("fact", "copy", "read", 1200, 0.5),
    Done("fact", "reject null keys", "rejected", 3, 0.1),
    Done("fact", "reject missing", "rejected", 2, 0.1),
    Done("fact", "count unchanged", "unchanged", 1000, 0.1),
    Done("fact", "update changed", "updated", 95, 0.1),
    Done("fact", "insert new", "inserted", 100, 0.1),
    Done("fact", "count null cursors", "", 7, 0.01),
    Done("other", "copy", "read", 5, 0.5),
)
FAILED = Verdict("fact", "range total", "facts.fact.checks.0", "warn", 4, 1200, "m.yml:3:5")
PASSED = Verdict("fact", "row_count source", "facts.fact.checks.1", "pass", 0, 1200)


def report():
    entries = tuple(entry_report(name, STEPS) for name in ("fact", "other"))
    notes = (Notice("fact", "its table is empty"),)
    return Report("id", "shop", "done", 1.5, entries, (FAILED, PASSED), notes, STEPS)


def test_every_row_is_in_one_count():
    entry = entry_report("fact", STEPS)
    assert (entry.read, entry.accounted) == (1200, 1200)
    assert (entry.rejected, entry.null_cursors, entry.seconds) == (5, 7, 1.01)


def test_the_text_has_a_line_for_each_entry_and_what_a_person_should_know():
    text = as_text(report())
    assert "fact   1,200       100       95      1,000         5" in text
    assert "note: fact: its table is empty" in text
    assert "note: fact: 7 rows have no cursor" in text
    assert "m.yml:3:5: fact: check 'range total' warns: 4 of 1,200 rows break it" in text
    assert "row_count" not in text
    assert "shop: done in 1.50 s, 1 of 2 checks passed (run id)" in text


def test_the_json_is_one_object_with_every_count():
    document = json.loads(as_json(report()))
    assert document["status"] == "done"
    assert document["entries"][0] == {
        "name": "fact",
        "read": 1200,
        "inserted": 100,
        "updated": 95,
        "unchanged": 1000,
        "closed": 0,
        "deleted": 0,
        "returned": 0,
        "inferred": 0,
        "repointed": 0,
        "held": 0,
        "released": 0,
        "filled": 0,
        "rejected": 5,
        "null_cursors": 7,
        "seconds": 1.01,
    }
    assert document["checks"][0]["failed"] == 4
    assert document["steps"][0]["title"] == "copy"

"""What is meant by a word that is not known: a misspelt one, and never one that is only called alike."""

from __future__ import annotations

import pytest

from engine.errors import did_you_mean

ENTRIES = ("dim_date", "dim_products", "dim_users", "fact_orders")
COLUMNS = ("order_id", "total", "user_key", "created_at")


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("dim_user", ENTRIES, "dim_users"),
        ("dim_usr", ENTRIES, "dim_users"),
        ("fact_order", ENTRIES, "fact_orders"),
        ("users", ENTRIES, "dim_users"),
        ("user_ky", COLUMNS, "user_key"),
        ("usr_key", COLUMNS, "user_key"),
        ("order_ig", COLUMNS, "order_id"),
        ("creatd_at", COLUMNS, "created_at"),
        ("tables", ("table", "tables_"), "tables_"),
        ("minimum", ("min", "max"), "min"),
        ("NONE", ("none", "unknown"), "none"),
        ("strar.yml", ("star.yml", "second.yml"), "star.yml"),
    ],
)
def test_a_misspelt_word_is_recognised(word, known, meant):
    assert did_you_mean(word, known) == f"did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("dim_suppliers", ENTRIES),
        ("dim_stores", ENTRIES),
        ("fact_returns", ENTRIES),
        ("user_id", COLUMNS),
        ("order_key", COLUMNS),
        ("updated_at", COLUMNS),
        ("nosuch.yml", ("second.yml", "star.yml")),
    ],
)
def test_what_is_only_called_alike_is_not_meant(word, known):
    assert did_you_mean(word, known) == "known: " + ", ".join(sorted(known))


def test_a_long_list_is_not_told():
    assert did_you_mean("x", [f"column_{n}" for n in range(13)]) == ""
    assert did_you_mean("x", []) == ""

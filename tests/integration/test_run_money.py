"""Money, whose decimals are those of a setting: 1234 in one database is 12.34 in another (TRAPS 15)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from engine.database.embedded import Embedded
from engine.errors import MappingError
from tests.conftest import Databases, postgres, query_outside, some_folder
from tests.integration.stars import Stars, fact, star

NO_DECIMALS, COMMA = "ja_JP.UTF-8", "de_DE.UTF-8"


@pytest.fixture(scope="module")
def embedded():
    """Two servers that know these locales; a laptop may be unable to make them, the CI must."""
    program = shutil.which("localedef")
    with (
        tempfile.TemporaryDirectory() as locales,
        some_folder() as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(locales).chmod(0o755)  # PostgreSQL's own user has to read them
        for locale in (NO_DECIMALS, COMMA):
            into = Path(locales, locale)
            made = ["localedef", "-i", locale.split(".")[0], "-f", "UTF-8", into]
            if program:
                subprocess.run(made, check=False, capture_output=True)
            if not into.is_dir() and not os.environ.get("CI"):
                pytest.skip(f"{locale} cannot be made here: apt install locales")
        patch.setenv("LOCPATH", locales)
        found = Embedded(folder, sync=False, **postgres())
        found.start()
        yield found


@pytest.fixture
def stars(embedded, tmp_path):
    """Give a way to run stars on these servers; what a test says of their locale is forgotten."""
    found = Stars(Databases(embedded.source, embedded.warehouse), tmp_path)
    found.source(
        "CREATE TABLE sales AS SELECT 1 AS id, '1234'::numeric AS said; GRANT SELECT ON sales TO PUBLIC"
    )
    yield found
    found.source("DROP TABLE sales")
    found.warehouse("DROP TABLE IF EXISTS sale")
    for server in (embedded.source, embedded.warehouse):
        query_outside(server, f"ALTER DATABASE {server.database} RESET ALL")


def speak(server, locale):
    query_outside(server, f"ALTER DATABASE {server.database} SET lc_monetary = '{locale}'")


def sold(stars, price):
    stars.run(star(sale=fact(f"SELECT id, {price} AS price FROM sales", "id price")))
    return stars.warehouse("SELECT pg_typeof(price)::text, price::numeric::text FROM sale")


def test_money_that_would_be_another_sum_is_refused_and_a_number_of_it_is_right(stars, embedded):
    speak(embedded.source, NO_DECIMALS)
    with pytest.raises(MappingError) as refused:
        sold(stars, "said::money")
    assert str(refused.value).endswith(
        "facts.sale.source.query: column 'price' of the query is money, which has 0 decimals in the source "
        "and 2 in the warehouse, by their lc_monetary (cast it in the query: price::numeric)"
    )
    assert sold(stars, "said::money::numeric") == [("numeric", "1234")]


def test_money_of_the_same_decimals_arrives(stars, embedded):
    speak(embedded.source, NO_DECIMALS)
    speak(embedded.warehouse, NO_DECIMALS)
    assert sold(stars, "said::money") == [("money", "1234")]


def test_money_is_spelled_the_same_whatever_the_settings_say(stars, embedded):
    speak(embedded.source, COMMA)
    assert sold(stars, "'12.34'::money::text::money") == [("money", "12.34")]

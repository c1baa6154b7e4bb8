"""Names of months, days and holidays: who knows them, and what is said when nobody does."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

from engine.mapping.country import (
    INSTALL,
    Holiday,
    day_names,
    holiday_faults,
    holidays_of,
    locale_faults,
    month_names,
)
from engine.mapping.model import Calendar, Holidays
from tests.conftest import ROOT


def january(country: str, **words: str) -> tuple[Holiday, ...]:
    """Return the holidays of the first week of 2026."""
    asked = Holidays(country, words.get("subdivision", ""), words.get("language", ""))
    locale = words.get("locale", "")
    return holidays_of(Calendar(date(2026, 1, 1), date(2026, 1, 7), locale=locale, holidays=asked))


def test_every_month_and_day_has_a_name_in_every_language():
    for locale in ("", "de", "pt_BR", "ja", "ar"):
        assert [name.number for name in month_names(locale)] == list(range(1, 13))
        assert [name.number for name in day_names(locale)] == list(range(1, 8))
        assert all(name.name and name.short for name in (*month_names(locale), *day_names(locale)))
    assert day_names("de")[0][1:] == ("Montag", "Mo")
    assert month_names("fr")[7].name == "août"


def test_holidays_are_those_of_the_days_and_of_the_place():
    assert january("DE") == (Holiday(date(2026, 1, 1), "Neujahr"),)
    assert january("DE", subdivision="BY")[1] == Holiday(date(2026, 1, 6), "Heilige Drei Könige")


def test_their_names_are_in_the_language_that_is_asked_for_or_the_locales_if_known_or_the_countrys():
    assert january("DE", language="en_US")[0].name == "New Year's Day"
    assert january("DE", locale="uk")[0].name != "Neujahr"
    assert january("DE", locale="fr")[0].name == "Neujahr"
    assert january("DE", locale="de_AT")[0].name == "Neujahr"


def test_without_the_packages_it_is_said_how_to_get_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "babel", None)
    monkeypatch.setitem(sys.modules, "holidays", None)
    (locale,) = locale_faults("de")
    assert locale[1:] == ("a locale, but the package Babel is not installed", INSTALL)
    (holidays,) = holiday_faults(Holidays("DE"))
    assert holidays[1:] == ("holidays, but the package holidays is not installed", INSTALL)
    assert month_names("")[0].name == "January"


def test_who_needs_them_not_does_not_import_them():
    code = (
        "import sys; from pathlib import Path; import engine.cli, engine.run, engine.mapping.load as m;"
        "m.load(Path('mappings/star.yml')); assert not {'babel', 'holidays'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

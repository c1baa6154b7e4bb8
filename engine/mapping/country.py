"""What a language calls months and days, and which days a country keeps free.

Babel and holidays know; they are large, so they are imported where a mapping has a word for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from engine.errors import did_you_mean
from engine.mapping.model import Calendar, Holidays

ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
INSTALL = "run: pip install 'star-schema-engine[calendar]'"


class Name(NamedTuple):
    """What the month or the ISO day of the week of this number is called, and in short."""

    number: int
    name: str
    short: str


class Holiday(NamedTuple):
    """A day on which work rests; of several names on one day, all."""

    day: date
    name: str


class Fault(NamedTuple):
    """A word that nobody knows: the key that holds it, what is wrong, and what to do."""

    key: str
    what: str
    hint: str


def month_names(locale: str) -> tuple[Name, ...]:
    """Return the names of the twelve months; English without a locale."""
    if not locale:
        return tuple(Name(n, name, name[:3]) for n, name in enumerate(ENGLISH_MONTHS, 1))
    from babel import Locale

    names = Locale.parse(locale).months["stand-alone"]
    return tuple(Name(n, str(names["wide"][n]), str(names["abbreviated"][n])) for n in range(1, 13))


def day_names(locale: str) -> tuple[Name, ...]:
    """Return the names of the seven days, of which Monday is 1; English without a locale."""
    if not locale:
        return tuple(Name(n, name, name[:3]) for n, name in enumerate(ENGLISH_DAYS, 1))
    from babel import Locale

    names = Locale.parse(locale).days["stand-alone"]
    return tuple(
        Name(n, str(names["wide"][n - 1]), str(names["abbreviated"][n - 1])) for n in range(1, 8)
    )


def holidays_of(calendar: Calendar) -> tuple[Holiday, ...]:
    """Return the holidays of a calendar's days, in order; nothing when it asks for none."""
    asked = calendar.holidays
    if asked is None:
        return ()
    from holidays import country_holidays

    found = country_holidays(
        asked.country,
        subdiv=asked.subdivision or None,
        years=range(calendar.start.year, calendar.end.year + 1),
        language=_language(asked, calendar.locale),
    )
    days = sorted(day for day in found if calendar.start <= day <= calendar.end)
    return tuple(Holiday(day, "; ".join(sorted(found.get_list(day)))) for day in days)


def _language(asked: Holidays, locale: str) -> str | None:
    """Return the language of the names: what is asked for, the locale's if there is one, or the country's."""
    from holidays import country_holidays

    if asked.language:
        return asked.language
    known = _languages(asked.country)
    of_locale = [locale, locale.partition("_")[0]]
    # Never none where the country has one: the package would ask the environment for its language.
    own = country_holidays(asked.country).default_language
    return next((name for name in of_locale if name in known), own)


def _languages(country: str) -> tuple[str, ...]:
    from holidays import country_holidays

    return tuple(country_holidays(country).supported_languages)


def locale_faults(locale: str) -> Iterator[Fault]:
    """Find a locale that Babel does not know."""
    if not locale:
        return
    try:
        from babel import Locale, UnknownLocaleError
        from babel.localedata import locale_identifiers
    except ImportError:
        yield Fault("", "a locale, but the package Babel is not installed", INSTALL)
        return
    try:
        Locale.parse(locale)
    except (UnknownLocaleError, ValueError):
        known, language = locale_identifiers(), locale.replace("-", "_").partition("_")[0]
        hint = (
            did_you_mean(locale.replace("-", "_"), known) or "write a language such as de or de_AT"
        )
        of_language = sorted(name for name in known if name.split("_")[0] == language)
        if of_language:
            hint = "known: " + ", ".join(of_language[:12])
        yield Fault("", f"no locale '{locale}'", hint)


def holiday_faults(asked: Holidays) -> Iterator[Fault]:
    """Find a country, a subdivision or a language that the package holidays does not know."""
    try:
        from holidays import country_holidays, list_supported_countries
    except ImportError:
        yield Fault("", "holidays, but the package holidays is not installed", INSTALL)
        return
    countries = list_supported_countries(include_aliases=False)
    if asked.country not in countries:
        close = did_you_mean(asked.country.upper(), countries)
        hint = close or "write its two letters by ISO 3166, such as DE"
        yield Fault("country", f"no holidays of a country '{asked.country}'", hint)
        return
    known = country_holidays(asked.country).subdivisions
    if asked.subdivision and asked.subdivision not in known:
        what = f"{asked.country} has no subdivision '{asked.subdivision}'"
        hint = did_you_mean(asked.subdivision, known) or "known: " + ", ".join(known)
        yield Fault("subdivision", what, hint if known else "it has none: drop it")
    languages = _languages(asked.country)
    if asked.language and asked.language not in languages:
        what = f"no names of the holidays of {asked.country} in '{asked.language}'"
        hint = did_you_mean(asked.language, languages) or "drop it, for the country's own"
        yield Fault("language", what, hint)

"""Calendars and clocks, against the same days and times as Python counts them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from engine.commands.plan import plan_lines
from engine.errors import MappingError
from engine.mapping.country import ENGLISH_DAYS, ENGLISH_MONTHS
from tests.conftest import Row
from tests.integration.stars import Entry, Stars, counts, fact, notices, star, untouched

DAY = timedelta(days=1)
FIRST = {"monday": 0, "saturday": 5, "sunday": 6}


def calendar(**words: object) -> Entry:
    return {"calendar": {"from": "2019-12-20", "to": "2031-01-10", **words}, "key": "date_key"}


def week_start(day: date, starts: str) -> date:
    return day - (day.weekday() - FIRST[starts]) % 7 * DAY


def fiscal_by_month(day: date, starts: int) -> tuple[int, int, int, int | None]:
    month = (day.month - starts) % 12 + 1
    ends_next_year = starts > 1 and day.month >= starts
    return day.year + ends_next_year, (month + 2) // 3, month, None


def fiscal_by_week(
    day: date, starts: int, week: str, pattern: list[int]
) -> tuple[int, int, int, int | None]:
    """Count the weeks from the day, nearest to the first of the month, on which the year begins."""

    def begin(year: int) -> date:
        first = date(year, starts, 1)
        near = [first + n * DAY for n in range(-3, 4)]
        return next(each for each in near if week_start(each, week) == each)

    year = max(y for y in (day.year - 1, day.year, day.year + 1) if begin(y) <= day)
    months = [n for n, length in enumerate(pattern * 4, 1) for _ in range(length)] + [12]
    number = (day - begin(year)).days // 7
    month = months[number]
    return year + (starts > 1), (month + 2) // 3, month, number + 1


def expected(day: date, fiscal: tuple[int, int, int, int | None], week: str) -> tuple[object, ...]:
    year, quarter, month, fiscal_week = fiscal
    iso = day.isocalendar()
    tomorrow, of_year = day + DAY, (day.month + 2) // 3
    month_end = next(d - DAY for d in (day + n * DAY for n in range(1, 32)) if d.day == 1)
    return (
        *(day, day.year, of_year, day.month, ENGLISH_MONTHS[day.month - 1], iso.week, iso.year),
        *(day.day, (day.weekday() - FIRST[week]) % 7 + 1, ENGLISH_DAYS[day.weekday()]),
        *(day.timetuple().tm_yday, week_start(day, week), day.replace(day=1), day.weekday() > 4),
        *(year, quarter, month, ENGLISH_MONTHS[day.month - 1][:3], ENGLISH_DAYS[day.weekday()][:3]),
        *(f"{day.year}-Q{of_year}", f"{day:%Y-%m}", f"{iso.year}-W{iso.week:02}", month_end),
        *(tomorrow.month != day.month, tomorrow.month != day.month and day.month % 3 == 0),
        *(tomorrow.year != day.year, day.weekday() < 5, day.weekday() < 5),
        *(f"FY{year}-Q{quarter}", f"FY{year}-P{month:02}"),
        *([] if fiscal_week is None else [fiscal_week]),
    )


def test_every_column_of_every_day_is_as_python_counts_it(stars):
    patterns = {"dim_retail": ("sunday", 2, "4-5-4"), "dim_iso": ("monday", 1, "4-4-5")}
    mapping = star(
        dim_month=calendar(week_starts="saturday", fiscal_year_starts=4),
        **{
            name: calendar(week_starts=week, fiscal_year_starts=starts, fiscal_pattern=pattern)
            for name, (week, starts, pattern) in patterns.items()
        },
    )
    stars.run(mapping)
    days = [date(2019, 12, 20) + n * DAY for n in range(4040)]
    wanted = [expected(day, fiscal_by_month(day, 4), "saturday") for day in days]
    assert stars.warehouse("SELECT * FROM dim_month ORDER BY 1") == keyed(wanted)
    for name, (week, starts, pattern) in patterns.items():
        weeks = [int(n) for n in pattern.split("-")]
        wanted = [expected(day, fiscal_by_week(day, starts, week, weeks), week) for day in days]
        assert stars.warehouse(f"SELECT * FROM {name} ORDER BY 1") == keyed(wanted)
    # ISO years are fiscal years that begin nearest to the first of January.
    assert stars.column("SELECT count(*) FROM dim_iso WHERE week <> fiscal_week") == [0]
    before = untouched(stars)
    full = stars.run(mapping, full_refresh=True)
    assert counts(full, "dim_iso") == {"read": 4040, "unchanged": 4040}
    assert untouched(stars) == before


def keyed(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [(int(f"{row[0]:%Y%m%d}"), *row) for row in rows]


def test_words_that_come_later_add_columns_and_change_names(stars):
    plain = star(dim_date={"calendar": {"from": "2026-04-01", "to": "2026-04-07"}, "key": "key"})
    stars.run(plain)
    columns = "key, day_name, month_short, is_workday"
    assert stars.warehouse(f"SELECT {columns} FROM dim_date ORDER BY 1")[5:] == [
        (20260406, "Monday", "Apr", True),
        (20260407, "Tuesday", "Apr", True),
    ]
    german = star(
        dim_date={"calendar": dict(plain["dimensions"]["dim_date"]["calendar"]), "key": "key"}
    )
    german["dimensions"]["dim_date"]["calendar"] |= {
        "locale": "de_AT",
        "holidays": {"country": "DE", "subdivision": "BY"},
    }
    report = stars.run(german)
    assert counts(report, "dim_date") == {"read": 7, "updated": 7}
    assert stars.warehouse(f"SELECT {columns}, holiday_name FROM dim_date ORDER BY 1") == [
        (20260401, "Mittwoch", "Apr", True, None),
        (20260402, "Donnerstag", "Apr", True, None),
        (20260403, "Freitag", "Apr", False, "Karfreitag"),
        (20260404, "Samstag", "Apr", False, None),
        (20260405, "Sonntag", "Apr", False, None),
        (20260406, "Montag", "Apr", False, "Ostermontag"),
        (20260407, "Dienstag", "Apr", True, None),
    ]
    before = untouched(stars)
    assert notices(stars.run(german)) == ""
    assert untouched(stars) == before


WEEK: Entry = {"calendar": {"from": "2026-04-01", "to": "2026-04-07"}, "key": "key"}
MEMBERS: Entry = {"special_members": {"unknown": {"key": -1, "day_name": "Unknown"}}}
CLOCK: Entry = {"clock": {"step": "hour"}, "key": "key"}


def test_what_the_last_run_has_made_is_not_made_again(stars):
    mapping = star(dim_date=WEEK | MEMBERS, dim_time=CLOCK)
    first = stars.run(mapping)
    assert counts(first, "dim_date") == {"read": 7, "inserted": 7}
    before = untouched(stars)
    again = stars.run(mapping)
    assert [done.title for done in again.steps] == []
    assert untouched(stars) == before
    mapping = star(dim_date=WEEK | MEMBERS, dim_time=CLOCK, f=fact("SELECT 1 AS id", "id"))
    told = list(plan_lines(stars.plan(mapping), sql=False))
    _, date, time, others, *_ = told[told.index("stages, side by side:") :]
    assert date == "  dim_date: nothing to do, it is as the last run left it"
    assert time == "  dim_time: nothing to do, it is as the last run left it"
    assert others.startswith("  f: ")


@pytest.mark.parametrize(
    ("damage", "repaired"),
    [
        ("UPDATE dim_date SET day_name = 'Noday' WHERE key = 20260403", {"updated": 1}),
        ("UPDATE dim_date SET day_name = NULL WHERE key = 20260403", {"updated": 1}),
        ("DELETE FROM dim_date WHERE key = 20260407", {"inserted": 1}),
        ("UPDATE dim_date SET day_name = 'Nobody' WHERE key = -1", {}),
        ("DELETE FROM dim_date WHERE key = -1", {}),
        ("ALTER TABLE dim_date DROP CONSTRAINT dim_date_pkey", {}),
        ("DROP INDEX dim_date_date_key", {}),
        ("ALTER TABLE dim_date DROP COLUMN day_name", {"updated": 7}),
        ("UPDATE engine.dimension SET content = NULL", {}),
    ],
)
def test_a_calendar_that_another_hand_was_in_is_mended(stars, damage, repaired):
    mapping = star(dim_date=WEEK | MEMBERS)
    stars.run(mapping)
    whole, keys = rows_of(stars), keys_of(stars)
    stars.execute_outside(stars.databases.warehouse_url, damage)
    report = stars.run(mapping)
    assert counts(report, "dim_date") == unchanged(7, repaired)
    assert (rows_of(stars), keys_of(stars)) == (whole, keys)
    assert [done.title for done in stars.run(mapping).steps] == []


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ({"to": "2026-04-08"}, {"read": 8, "unchanged": 7, "inserted": 1}),
        ({"locale": "de"}, {"read": 7, "updated": 7}),
        ({"holidays": {"country": "US"}}, {"read": 7, "updated": 7}),
        ({"fiscal_year_starts": 4}, {"read": 7, "updated": 7}),
    ],
)
def test_a_calendar_with_other_words_is_made_again(stars, words, wanted):
    stars.run(star(dim_date=WEEK))
    other = star(dim_date=WEEK | {"calendar": WEEK["calendar"] | words})
    assert counts(stars.run(other), "dim_date") == wanted
    assert counts(stars.run(other), "dim_date") == {}


def test_a_calendar_of_two_mappings_is_not_made_again_by_either(stars):
    one, other = star("one", dim_date=WEEK), star("other", dim_date=WEEK)
    stars.run(one)
    assert [stars.run(each).steps for each in (other, one, other)] == [()] * 3


def test_a_calendar_with_a_check_is_made_in_each_run_that_the_check_may_speak(stars):
    mapping = star(dim_date=WEEK | {"checks": [{"not_null": "date"}]})
    stars.run(mapping)
    report = stars.run(mapping)
    assert counts(report, "dim_date") == {"read": 7, "unchanged": 7}
    assert [verdict.status for verdict in report.checks] == ["pass"]


def rows_of(stars: Stars) -> list[Row]:
    return stars.warehouse("SELECT to_jsonb(t) AS row FROM dim_date AS t ORDER BY key")


def keys_of(stars: Stars) -> list[str]:
    return stars.column("SELECT indexdef FROM pg_indexes WHERE tablename = 'dim_date' ORDER BY 1")


def unchanged(rows: int, changed: dict[str, int]) -> dict[str, int]:
    """Return the counts of a run that read so many days, of which some were changed or new."""
    same = {"unchanged": rows - sum(changed.values())}
    return {name: n for name, n in {"read": rows, **changed, **same}.items() if n}


def test_a_column_of_a_word_that_is_not_there_is_refused(stars):
    mapping = star(dim_date=calendar() | {"columns": {"date": None, "x": "is_holiday"}})
    with pytest.raises(MappingError, match='column "is_holiday" does not exist'):
        stars.plan(mapping)


def clock(step: str, **words: object) -> Entry:
    members = {"unknown": {"key": -1, "label": "Unknown"}}
    return {"clock": {"step": step, **words}, "key": "time_key", "special_members": members}


def test_every_step_of_a_clock_is_as_python_counts_it(stars):
    steps = {"second": 1, "minute": 60, "quarter-hour": 900, "hour": 3600}
    clocks = {f"dim_{name.replace('-', '_')}": clock(name) for name in steps}
    clocks["dim_hour"] |= {
        "checks": {"row_count": {"min": 24, "max": 24}}
    }  # midnight is one of them
    clocks["dim_hour"]["clock"]["day_parts"] = {"late": "21:30", "early": "04:30", "day": "09:00"}
    mapping = star(**clocks)
    stars.run(mapping)
    for name, seconds in steps.items():
        wanted = []
        for n in range(0, 86_400, seconds):
            t = (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=n)).time()
            part = ("night", "morning", "afternoon", "evening")[t.hour // 6]
            if name == "hour":
                part = "late" if t >= time(21, 30) or t < time(4, 30) else "day"
                part = "early" if time(4, 30) <= t < time(9) else part
            label = f"{t:%H:%M:%S}" if name == "second" else f"{t:%H:%M}"
            half = "AM" if t.hour < 12 else "PM"
            wanted.append(
                (
                    int(f"{t:%H%M%S}"),
                    t,
                    t.hour,
                    t.minute,
                    t.second,
                    (t.hour + 11) % 12 + 1,
                    half,
                    part,
                    label,
                )
            )
        table = f"dim_{name.replace('-', '_')}"
        assert stars.warehouse(f"SELECT * FROM {table} WHERE time_key >= 0 ORDER BY 1") == wanted
    before = untouched(stars)
    assert counts(stars.run(mapping, full_refresh=True), "dim_second") == {
        "read": 86_400,
        "unchanged": 86_400,
    }
    assert untouched(stars) == before


def test_a_time_of_day_finds_the_step_that_it_is_in(stars):
    stars.source(
        "CREATE TABLE calls (id int, at timestamptz, rang time, begun text);"
        "INSERT INTO calls VALUES (1, '2026-03-01 09:29:59.999+00', '00:00', '23:45'),"
        " (2, '2026-03-02 00:00+00', '24:00', '12:07:30.5'), (3, NULL, NULL, NULL)"
    )

    def calls(step: str) -> Entry:
        lookups = {
            "at_key": {"dimension": "dim_time", "on": "at"},
            "rang_key": {"dimension": "dim_time", "on": {"time": "rang"}},
            "begun_key": {"dimension": "dim_time", "on": "begun::time"},
        }
        return star(
            dim_time=clock(step),
            calls=fact("SELECT * FROM calls", "id", lookups=lookups, load="upsert", cursor="id"),
        )

    stars.run(calls("quarter-hour"))
    keys = "SELECT id, at_key, rang_key, begun_key FROM calls ORDER BY 1"
    assert stars.warehouse(keys) == [(1, 91500, 0, 234500), (2, 0, 0, 120000), (3, -1, -1, -1)]
    # A finer clock keeps the keys that were there; the facts are looked up again.
    stars.run(calls("minute"))
    assert stars.warehouse(keys) == [(1, 92900, 0, 234500), (2, 0, 0, 120700), (3, -1, -1, -1)]
    before = untouched(stars)
    stars.run(calls("minute"))
    assert untouched(stars) == before
    wrong = calls("minute")
    wrong["facts"]["calls"]["lookups"]["begun_key"]["on"] = "at::date"
    with pytest.raises(MappingError, match="begun_key"):
        stars.plan(wrong)

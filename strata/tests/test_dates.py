"""Days and instants: a day is always a day in the portfolio's time zone, also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models
from hypothesis import given
from hypothesis import strategies as st

from strata.fields.dates import (
    DayField,
    InstantField,
    TimeZoneField,
    local_day,
    local_instant,
    noon,
    parse_day,
    resolve_instant_and_day,
    time_zones,
    validate_time_zone,
)
from strata.tests.tables import table_of

KIRITIMATI, PAGO_PAGO, BERLIN = "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"
NOW = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)


class Moment(models.Model):
    on = DayField(null=True)
    at = InstantField(null=True)
    zone = TimeZoneField(default="UTC")

    class Meta:
        app_label = "strata_tests"


@pytest.fixture(scope="module", autouse=True)
def moments_table(django_db_setup, django_db_blocker):
    with table_of(Moment, django_db_blocker):
        yield


# --- the day of an instant ---


@pytest.mark.parametrize(("zone", "day"), [(KIRITIMATI, 1), (PAGO_PAGO, 30), (BERLIN, 1), ("UTC", 30)])
def test_the_day_is_the_zones_day(zone, day):
    assert local_day(NOW, zone).day == day


@pytest.mark.parametrize(
    ("wall", "zone", "instant"),
    [
        ("2026-03-29T02:30", BERLIN, "2026-03-29T01:30Z"),  # never shown: becomes 03:30
        ("2026-03-29T01:59", BERLIN, "2026-03-29T00:59Z"),
        ("2026-03-29T03:00", BERLIN, "2026-03-29T01:00Z"),
        ("2026-10-25T02:30", BERLIN, "2026-10-25T00:30Z"),  # shown twice: the first
        ("2026-10-25T03:00", BERLIN, "2026-10-25T02:00Z"),
        ("2024-02-29T12:00", KIRITIMATI, "2024-02-28T22:00Z"),
        ("2024-02-29T12:00", PAGO_PAGO, "2024-02-29T23:00Z"),
        ("2011-12-30T10:00", "Pacific/Apia", "2011-12-30T20:00Z"),  # a day that Samoa skipped
        ("2026-09-06T00:30", "America/Santiago", "2026-09-06T04:30Z"),  # a midnight that is not shown
    ],
)
def test_local_time_leads_to_one_instant(wall, zone, instant):
    assert local_instant(datetime.fromisoformat(wall), zone) == datetime.fromisoformat(instant)


def test_local_time_ignores_which_of_two_hours_was_meant():
    wall = datetime(2026, 10, 25, 2, 30)
    assert local_instant(wall.replace(fold=1), BERLIN) == local_instant(wall, BERLIN)


@given(st.dates(date(1800, 1, 1), date(2200, 12, 31)), st.sampled_from(sorted(time_zones())))
def test_noon_falls_on_its_day_but_for_the_days_that_a_zone_skipped(on, zone):
    day = local_day(noon(on, zone), zone)
    assert day == on or (
        day == on + timedelta(1) and local_day(noon(on, zone) - timedelta(1), zone) == on - timedelta(1)
    )


# --- the instant and the day in a request ---


def resolve(moment=None, on=None, zone=BERLIN):
    return resolve_instant_and_day(moment, on, zone, NOW)


def test_neither_is_now_on_the_portfolios_day():
    assert resolve() == (NOW, date(2026, 7, 1))
    assert resolve(zone=PAGO_PAGO) == (NOW, date(2026, 6, 30))


def test_a_day_alone_is_its_noon():
    assert resolve(on=date(2026, 1, 10)) == (datetime(2026, 1, 10, 11, tzinfo=UTC), date(2026, 1, 10))


def test_a_time_without_offset_is_the_portfolios():
    instant, on = resolve(datetime(2026, 1, 10, 0, 30))
    assert (instant, on) == (datetime(2026, 1, 9, 23, 30, tzinfo=UTC), date(2026, 1, 10))
    assert instant.utcoffset() == timedelta(0)


def test_an_offset_is_not_dropped():
    early = datetime.fromisoformat("2026-01-11T01:00+05:00")
    late = datetime.fromisoformat("2026-01-10T22:00Z")
    assert resolve(early)[0] < resolve(late)[0]
    assert resolve(early) == (datetime(2026, 1, 10, 20, tzinfo=UTC), date(2026, 1, 10))


def test_a_day_that_agrees_with_the_time_is_taken():
    assert resolve(datetime(2026, 1, 10, 23, 30, tzinfo=UTC), date(2026, 1, 11))[1] == date(2026, 1, 11)


@pytest.mark.parametrize("on", [date(2026, 1, 9), date(2026, 1, 10), date(2025, 1, 11)])
def test_a_day_that_contradicts_the_time_is_refused_by_name(on):
    with pytest.raises(ValidationError) as refusal:
        resolve(datetime(2026, 1, 10, 23, 30, tzinfo=UTC), on)
    assert [(name, errors[0].code) for name, errors in refusal.value.error_dict.items()] == [
        ("on", "contradiction")
    ]


@pytest.mark.parametrize("on", [date(1800, 1, 1), date(2200, 12, 31), date(2011, 12, 30), date(2024, 2, 29)])
@pytest.mark.parametrize(
    "zone", [KIRITIMATI, PAGO_PAGO, "Pacific/Apia", "America/Juneau", "Asia/Manila", "Etc/GMT+12"]
)
@pytest.mark.django_db
def test_what_a_day_was_stored_as_may_come_back(on, zone):
    instant, _ = resolve(on=on, zone=zone)
    stored = Moment.objects.get(pk=Moment.objects.create(at=instant, on=on, zone=zone).pk)
    assert resolve(stored.at, stored.on, stored.zone) == (instant, on)


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min,
        datetime.max,
        datetime.min.replace(tzinfo=timezone(timedelta(hours=23))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))),
        datetime(1799, 12, 31, 12),
        datetime(2201, 1, 1, 12),
        datetime(1799, 12, 31, 12, tzinfo=UTC),
        datetime(2201, 1, 1, 12, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("zone", [BERLIN, "UTC"])
def test_years_outside_1800_to_2200_are_refused(moment, zone):
    with pytest.raises(ValidationError):
        resolve(moment, zone=zone)


# --- the fields ---


@pytest.mark.django_db
def test_days_and_instants_come_back():
    at = datetime(2026, 1, 11, 1, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    stored = Moment.objects.get(pk=Moment.objects.create(on=date(2024, 2, 29), at=at, zone=KIRITIMATI).pk)
    assert (stored.on, stored.at, stored.zone) == (date(2024, 2, 29), at, KIRITIMATI)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("on", date(1799, 12, 31)),
        ("on", date(2201, 1, 1)),
        ("on", date.min),
        ("on", NOW),
        ("on", "20260101"),
        ("on", "2026-W01-1"),
        ("on", "2026-02-29"),
        ("on", "２０２６-01-01"),
        ("at", datetime(2026, 1, 1)),
        ("at", datetime.max.replace(tzinfo=UTC)),
        ("at", datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))),
        ("zone", "Mars/Base"),
        ("zone", ""),
    ],
)
def test_save_and_update_refuse_what_clean_refuses(field, value):
    Moment.objects.create()
    with pytest.raises(ValidationError):
        Moment._meta.get_field(field).clean(value, None)
    with pytest.raises(ValidationError):
        Moment.objects.create(**{field: value})
    with pytest.raises(ValidationError):
        Moment.objects.update(**{field: value})


@pytest.mark.django_db
def test_a_filter_may_ask_for_any_day():
    Moment.objects.create(on=date(2026, 1, 1))
    assert Moment.objects.filter(on__lte=date.max, on__gte=date.min).count() == 1


@pytest.mark.parametrize(
    "text", ["2026-1-1", "2026-01-01T00:00", " 2026-01-01", "2026-01-01\n", "٢٠٢٦-01-01", "2026-00-10", ""]
)
def test_days_have_one_spelling(text):
    with pytest.raises(ValidationError):
        parse_day(text)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/localtime",
        "europe/berlin",
        "Europe/Berlin ",
        "Factory",
        "",
        "posix/UTC",
        "Europe",
        "UTC\x00",
        None,
        1,
    ],
)
def test_what_is_no_zones_name_is_refused(name):
    with pytest.raises(ValidationError):
        validate_time_zone(name)


@pytest.mark.parametrize("field", [DayField(null=True), InstantField(), TimeZoneField(default="UTC")])
def test_fields_deconstruct_to_what_makes_them_again(field):
    _, path, args, kwargs = field.deconstruct()
    again = type(field)(*args, **kwargs)
    assert path == f"strata.fields.dates.{type(field).__name__}"
    assert again.deconstruct()[1:] == field.deconstruct()[1:]
    assert again.db_type(connection) == field.db_type(connection)

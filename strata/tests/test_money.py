"""Money and exact numbers: values are read back exactly, add up and compare; anything else is refused."""

from __future__ import annotations

from decimal import Context
from decimal import Decimal as D

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import DatabaseError, NotSupportedError, connection, models
from django.db.models import Avg, F, Max, Min, OuterRef, StdDev, Subquery, Sum, Value, Window
from django.db.models.functions import Cast, Coalesce
from django.forms import modelform_factory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assets.valuation import series
from reports.calculations import rounding
from strata.db.bulk import insert_instances
from strata.fields.currencies import CurrencyField
from strata.fields.money import ExactField, MoneyField, MoneySum
from strata.fields.numbers import (
    EXACT,
    EXACT_LIMIT,
    MONEY_PLACES,
    SHARE_PLACES,
    exact_product,
    exact_total,
    money_text,
    plain,
    scaled_text,
)
from strata.tests.entries import LEAST, LEAST_EXACT, LOWEST_EXACT, MOST, MOST_EXACT, Entry, entry
from strata.tests.tables import table_of


@pytest.fixture(scope="module", autouse=True)
def entries_table(django_db_setup, django_db_blocker):
    with table_of(Entry, django_db_blocker):
        yield


def decimals(most: D, places: int) -> st.SearchStrategy[D]:
    units = int(most.scaleb(places, EXACT))
    return st.integers(-units, units).map(lambda number: D(number).scaleb(-places, EXACT))


money = decimals(MOST, 4) | st.sampled_from([MOST, -MOST, LEAST, -LEAST, D(0), D("0.30")])
exacts = decimals(MOST_EXACT, 18) | st.sampled_from(
    [
        MOST_EXACT,
        LOWEST_EXACT,
        LEAST_EXACT,
        -LEAST_EXACT,
        D(0),
        D("1E+19"),
        D("10.000"),
        D("9007199254740993.01"),
    ]
)
on_the_database = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# --- written, read, listed, added up and filtered ---


@pytest.mark.django_db
@on_the_database
@given(values=st.lists(money, min_size=1, max_size=9))  # of ten, SQLite's own SUM may overflow
def test_money_survives_every_way_through_the_database(values):
    Entry.objects.all().delete()
    Entry.objects.create(value=values[0])
    Entry.objects.bulk_create(Entry(value=value) for value in values[1:])
    assert list(Entry.objects.order_by("pk").values_list("value", flat=True)) == values
    assert list(Entry.objects.order_by("value").values_list("value", flat=True)) == sorted(values)
    total = exact_total(values)
    assert Entry.objects.aggregate(total=Sum("value"))["total"] == total
    assert Entry.objects.aggregate(total=MoneySum("value"))["total"] == total
    assert Entry.objects.aggregate(low=Min("value"), high=Max("value")) == {
        "low": min(values),
        "high": max(values),
    }
    for value in values:
        assert Entry.objects.filter(value=value).count() == values.count(value)
        assert Entry.objects.filter(value__gt=value).count() == sum(other > value for other in values)
        assert Entry.objects.filter(value__lte=value).count() == sum(other <= value for other in values)
        assert Entry.objects.filter(value__in=[value]).count() == values.count(value)
        assert Entry.objects.filter(value__range=(-MOST, value)).count() == sum(v <= value for v in values)


@pytest.mark.django_db
@on_the_database
@given(values=st.lists(exacts, min_size=1, max_size=8))
def test_exact_numbers_survive_every_way_through_the_database(values):
    Entry.objects.all().delete()
    Entry.objects.create(value=1, quantity=values[0])
    Entry.objects.bulk_create(Entry(value=1, quantity=value) for value in values[1:])
    read = list(Entry.objects.order_by("pk").values_list("quantity", flat=True))
    assert read == values
    assert [format(value, "f") for value in read] == [plain(value) for value in values]
    assert all(value.as_tuple().exponent <= 0 for value in read)
    for value in values:
        assert Entry.objects.filter(quantity=value).count() == values.count(value)
        assert Entry.objects.filter(quantity__in=[value]).count() == values.count(value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value", ["9007199254740993.01", "99999999999999999999.999999999999999999", "1E-18", "0"]
)
def test_exact_number_comes_back_digit_for_digit(value):
    assert entry(quantity=value).quantity == D(value)


@pytest.mark.django_db
def test_exact_number_comes_back_without_an_exponent():
    assert str(entry(quantity=D("1E+1")).quantity) == "10"
    assert str(entry(quantity=D("10.00")).quantity) == "10"
    spellings = Entry.objects.annotate(text=Cast("quantity", models.TextField())).values_list(
        "text", flat=True
    )
    assert set(spellings) == {"10"}


@pytest.mark.django_db
def test_a_thirtieth_and_a_sixtieth_of_a_euro_are_found_by_their_sum():
    entry("0.10", other="0.20")
    assert Entry.objects.annotate(total=F("value") + F("other")).get(total=D("0.30")).total == D("0.30")


@pytest.mark.django_db
def test_money_that_is_null_stays_null():
    assert entry(other=None).other is None
    assert Entry.objects.filter(other=None).count() == 1
    assert Entry.objects.filter(value=0).aggregate(total=Sum("value"), whole=MoneySum("value")) == {
        "total": None,
        "whole": None,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("value", [MOST, -MOST])
def test_money_sum_does_not_overflow(value):
    Entry.objects.bulk_create(Entry(value=value) for _ in range(1000))
    assert Entry.objects.aggregate(total=MoneySum("value"))["total"] == value * 1000
    assert Entry.objects.values("currency").annotate(total=MoneySum("value")).get()["total"] == value * 1000


@pytest.mark.django_db
def test_plain_sum_beyond_64_bits_is_right_or_fails_loudly():
    Entry.objects.bulk_create(Entry(value=MOST) for _ in range(1000))
    total = Entry.objects.values("currency").annotate(total=Sum("value"))
    if connection.vendor == "sqlite":
        with pytest.raises(DatabaseError, match="overflow"):
            total.get()
    else:
        assert total.get()["total"] == MOST * 1000


@pytest.mark.django_db
def test_money_reads_the_same_through_subqueries_and_defaults():
    own = Entry.objects.filter(pk=OuterRef("pk")).values("value")[:1]
    entry("12.50")
    assert Entry.objects.annotate(newest=Subquery(own)).get(newest=D("12.50")).newest == D("12.50")
    total = Coalesce(Sum("other"), Value(D("1.50"), MoneyField()))
    assert Entry.objects.aggregate(total=total)["total"] == D("1.50")


@pytest.mark.django_db
def test_update_and_bulk_update_write_money_and_exact_numbers():
    row = entry("5", quantity="1", other="2")
    Entry.objects.filter(pk=row.pk).update(value=D("7.25"), quantity=D("0.10"), other=F("value"))
    assert Entry.objects.filter(value=D("7.25"), quantity=D("0.1"), other=D("5")).count() == 1
    row.value, row.quantity, row.other = D("8.5"), D("1E+3"), None
    Entry.objects.bulk_update([row], ["value", "quantity", "other"])
    assert Entry.objects.filter(value=D("8.5"), quantity=1000, other=None).count() == 1


# --- what SQL would get wrong is refused ---

PRODUCTS = {
    "a product": F("value") * 2,
    "a sum with a bare number": F("value") + 1,
    "a sum with a bare decimal": F("value") + Value(D("1.5")),
    "a product of two amounts": F("value") * F("other"),
    "another kind of number": F("count"),
    "a bare decimal": Value(D("1.5")),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", PRODUCTS)
def test_update_refuses_what_would_come_out_unscaled(name):
    with pytest.raises(FieldError):
        Entry.objects.update(other=PRODUCTS[name])


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name in PRODUCTS if name != "a bare decimal"])
def test_filter_refuses_what_would_compare_unscaled(name):
    with pytest.raises(FieldError):
        Entry.objects.filter(value__gt=PRODUCTS[name]).count()
    with pytest.raises(FieldError):
        Entry.objects.filter(value__in=[PRODUCTS[name], 1]).count()


@pytest.mark.django_db
@pytest.mark.parametrize("product", [F("value") * 2, F("value") + 1, -F("value"), F("quantity") * 2])
def test_annotation_refuses_arithmetic_that_belongs_in_python(product):
    entry(quantity=1)
    with pytest.raises(FieldError):
        list(Entry.objects.annotate(product=product))


@pytest.mark.django_db
@pytest.mark.parametrize("inexact", [Avg("value"), StdDev("value"), Window(Avg("value"))])
def test_averages_of_money_are_refused(inexact):
    Entry.objects.bulk_create([Entry(value="0.0001"), Entry(value="0.0002")])
    with pytest.raises(FieldError):
        list(Entry.objects.values("currency").annotate(average=inexact))


@pytest.mark.django_db
@pytest.mark.parametrize("inexact", [Avg, StdDev])
def test_averages_are_refused_even_where_they_come_out_whole(inexact):
    Entry.objects.bulk_create([Entry(value="0.0002"), Entry(value="0.0004")])
    with pytest.raises(FieldError):
        Entry.objects.aggregate(average=inexact("value"))


@pytest.mark.django_db
def test_money_sum_refuses_other_columns_and_comparisons():
    with pytest.raises(FieldError):
        Entry.objects.aggregate(total=MoneySum("count"))
    with pytest.raises(FieldError):
        Entry.objects.values("currency").annotate(total=MoneySum("value")).filter(total__gt=1)


@pytest.mark.django_db
@pytest.mark.parametrize("lookup", ["contains", "startswith", "regex", "iexact"])
def test_text_lookups_on_numbers_are_refused(lookup):
    for field in ("value", "quantity"):
        with pytest.raises(FieldError):
            Entry.objects.filter(**{f"{field}__{lookup}": "1"})


@pytest.mark.django_db
@pytest.mark.parametrize("lookup", ["gt", "gte", "lt", "lte", "range"])
def test_exact_numbers_are_never_compared_as_text(lookup):
    Entry.objects.bulk_create([Entry(value=1, quantity="9"), Entry(value=1, quantity="10")])
    entries = Entry.objects.filter(
        **{f"quantity__{lookup}": (D(9), D(11)) if lookup == "range" else D("9.5")}
    )
    if connection.vendor == "sqlite":
        with pytest.raises(NotSupportedError):
            entries.count()
    else:
        assert entries.count() == (2 if lookup == "range" else 1)


@pytest.mark.django_db
@pytest.mark.parametrize("aggregate", [Max, Min, Sum, Avg])
def test_exact_numbers_are_never_aggregated_as_text(aggregate):
    Entry.objects.bulk_create([Entry(value=1, quantity="9"), Entry(value=1, quantity="10")])
    if connection.vendor == "sqlite":
        with pytest.raises(NotSupportedError):
            Entry.objects.aggregate(answer=aggregate("quantity"))
    else:
        assert Entry.objects.aggregate(answer=aggregate("quantity"))["answer"] in (9, 10, 19, D("9.5"))


def test_ordering_a_model_by_an_exact_number_fails_the_system_check():
    class Ordered(models.Model):
        quantity = ExactField()

        class Meta:
            app_label = "strata_tests_ordered"
            ordering = ("-quantity",)

    assert [error.id for error in Ordered._meta.get_field("quantity").check()] == ["strata.E001"]
    assert Entry._meta.get_field("quantity").check() == []


# --- as Django's own fields behave ---


@pytest.mark.parametrize(
    "field",
    [MoneyField(null=True), ExactField(positive=True), ExactField(non_negative=True), CurrencyField()],
)
def test_fields_deconstruct_to_what_makes_them_again(field):
    _, path, args, kwargs = field.deconstruct()
    again = type(field)(*args, **kwargs)
    assert path == f"{type(field).__module__}.{type(field).__name__}"
    assert again.deconstruct()[1:] == field.deconstruct()[1:]
    assert again.validators == field.validators


@pytest.mark.django_db
def test_admin_form_takes_plain_digits_and_shows_them_grouped():
    form_class = modelform_factory(Entry, fields=["value", "quantity", "currency"])
    row = entry("1000", quantity=LEAST_EXACT)
    assert 'value="1,000.00"' in str(form_class(instance=row)["value"])
    assert 'value="0.000000000000000001"' in str(form_class(instance=row)["quantity"])
    same = form_class(
        {"value": "1000.00", "quantity": "0.000000000000000001", "currency": "EUR"}, instance=row
    )
    assert not same.has_changed()
    edited = form_class({"value": " 9007199254.7401 ", "quantity": "", "currency": "usd"}, instance=row)
    edited.save()
    row.refresh_from_db()
    assert (row.value, row.quantity, row.currency) == (D("9007199254.7401"), None, "USD")


@pytest.mark.parametrize("text", ["1e400", "NaN", "٣", "0.00001", "100000000000000", "1,5,6"])
def test_admin_form_refuses_what_the_field_refuses(text):
    form = modelform_factory(Entry, fields=["value"])({"value": text})
    assert list(form.errors) == ["value"]


@pytest.mark.parametrize("value", [MOST, -LEAST, D(0)])
def test_dumped_money_loads_again(value):
    field = Entry._meta.get_field("value")
    assert field.to_python(str(value)) == field.to_python(field.value_to_string(Entry(value=value))) == value


@pytest.mark.parametrize("value", [MOST_EXACT, -LEAST_EXACT, D(0)])
def test_dumped_exact_numbers_load_again(value):
    field = Entry._meta.get_field("quantity")
    assert (
        field.to_python(str(value)) == field.to_python(field.value_to_string(Entry(quantity=value))) == value
    )


# --- text, totals, and the currency of a row ---


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1000", "1000.00"),
        ("4000.129", "4000.129"),
        ("0.1000", "0.10"),
        ("-0.0", "0.00"),
        ("1E+3", "1000.00"),
        ("-5", "-5.00"),
    ],
)
def test_amounts_are_written_with_two_places_or_as_many_as_they_need(value, text):
    assert money_text(D(value)) == text


@pytest.mark.parametrize(
    ("value", "text"), [("1E+1", "10"), ("1E-18", "0.000000000000000001"), ("10.500", "10.5"), ("-0.00", "0")]
)
def test_plain_numbers_have_no_exponent(value, text):
    assert plain(D(value)) == text


def test_totals_and_products_are_exact_beyond_28_digits():
    assert exact_total([MOST_EXACT, LEAST_EXACT]) == EXACT_LIMIT
    assert exact_total([MOST_EXACT, D(0)]) == MOST_EXACT
    assert int(exact_product(MOST_EXACT, MOST_EXACT).scaleb(36, EXACT)) == (10**38 - 1) ** 2
    assert exact_total([]) == 0


@pytest.mark.django_db
def test_a_mixed_code_finds_nothing():
    entry(currency="GBP")
    assert not Entry.objects.filter(currency="GBp").exists()
    assert Entry.objects.filter(currency__in=["gbp"]).exists()


@pytest.mark.django_db
def test_currency_is_written_in_capitals_in_every_way():
    row = entry(currency="usd")
    assert row.currency == "USD"
    Entry.objects.update(currency="gbp")
    assert Entry.objects.filter(currency="gbp").get().currency == "GBP"


def test_calculations_which_import_nothing_of_this_have_the_same_places():
    assert (series.MONEY_PLACES, rounding.SHARE_PLACES) == (MONEY_PLACES, SHARE_PLACES)
    assert series.EXACT.traps == EXACT.traps
    assert series.EXACT.prec >= EXACT.prec


@given(st.integers(-(10**40), 10**40), st.integers(0, 40))
@example(0, 4)
@example(-5, 0)
@example(-1_000_000, 4)
def test_units_are_written_as_their_decimal(units, places):
    number = D(units).scaleb(-places, Context(prec=100))
    assert scaled_text(units, places) == plain(number)
    assert scaled_text(units, places, least=2) == money_text(number)


# --- many at once ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["0", "-0.00", "1", "-12.3", "1E2", "0.0001", str(MOST), str(-MOST), "7.50000000"]
)
def test_many_amounts_are_stored_as_one_is(text):
    alone = Entry(value=D(text))
    alone.save()
    rows = [Entry(value=D(text)), Entry(value=D(1)), Entry(value=D(text))]
    insert_instances(rows)
    assert [str(row.value) for row in rows] == [str(alone.value), "1.0000", str(alone.value)]
    stored = Entry.objects.order_by("pk").values_list("value", flat=True)
    assert list(map(str, stored)) == [str(alone.value), str(alone.value), "1.0000", str(alone.value)]


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "1E999999", "1E-999999", "1E+14", "0.00001"])
def test_among_many_amounts_one_that_cannot_be_stored_is_refused(text):
    with pytest.raises(ValidationError):
        insert_instances([Entry(value=D(1)), Entry(value=D(text))])

"""load_prices: prices from a file, with a line for each instrument and for each refused line."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from assets.models import Instrument, PriceLoad
from assets.prices.store import recorded_prices
from strata.audit.models import JournalEntry


@pytest.fixture
def abc(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


@pytest.fixture
def load(tmp_path):
    """Loads the text of a file; returns what the command says, and how it fails."""

    def run(text: str | bytes, *options: str) -> tuple[list[str], str]:
        path, out, failure = tmp_path / "prices.csv", io.StringIO(), ""
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            call_command("load_prices", str(path), *options, stdout=out)
        except CommandError as error:
            assert error.returncode == 1
            failure = str(error)
        return out.getvalue().splitlines(), failure

    return run


def test_prices_are_loaded_from_a_file(load, abc):
    text = "\ufeffinstrument,on,price\r\nabc,2024-01-02,12.50\r\nABC,2024-01-03,13\r\n\r\n"
    assert load(text, "--source", "broker") == (["ABC: 2 created, 0 replaced, 0 skipped, 0 refused"], "")
    price_load = PriceLoad.objects.get()
    assert (price_load.source, price_load.split_adjusted, price_load.household_id) == (
        "broker",
        False,
        abc.household_id,
    )
    assert [(price.number, price.scale) for price in recorded_prices(abc.pk, None, None)] == [
        (125, 1),
        (130, 1),
    ]
    assert JournalEntry.objects.filter(model="assets.PriceLoad", channel="command:load_prices").exists()


def test_bad_lines_are_named_and_the_others_are_loaded(load, abc):
    text = "instrument,on,price\nABC,2024-01-02,12\nABC,2024-01-03,0\nXYZ,2024-01-03,1\nABC,2024-01-04,1200\nABC\n"
    said, failure = load(text)
    assert said == [
        "ABC: 1 created, 0 replaced, 0 skipped, 2 refused",
        "line 3: A price is greater than zero.",
        "line 4: Instrument not found.",
        "line 5: It is a hundred times off the price of 2024-01-02. Where it is right, send accept_jumps.",
        "line 6: It has 1 columns instead of 3.",
    ]
    assert failure == "4 lines were refused."
    assert len(recorded_prices(abc.pk, None, None)) == 1


def test_a_dry_run_loads_nothing(load, abc):
    text = "instrument,on,price\nABC,2024-01-02,12\n"
    assert load(text, "--dry-run") == (["Would load: ABC: 1 created, 0 replaced, 0 skipped, 0 refused"], "")
    assert not PriceLoad.objects.exists()


def test_adjusted_prices_say_up_to_when(load, abc):
    load("instrument,on,price\nABC,2024-01-02,12\n", "--split-adjusted", "--adjusted-to", "2024-06-30")
    price_load = PriceLoad.objects.get()
    assert (price_load.split_adjusted, str(price_load.adjusted_to)) == (True, "2024-06-30")


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("a,b\n", (), "The first line must be instrument,on,price."),
        ("instrument,on,price\n", (), "it has no prices"),
        (b"instrument,on,price\n\xff,2024-01-02,1\n", (), "it is not UTF-8"),
        ('instrument,on,price\n"ABC', (), "It is not a CSV"),
        ("instrument,on,price\n", ("--adjusted-to", "2024-01-01"), "only for --split-adjusted"),
        ("instrument,on,price\nABC,2024-01-02,0\n", (), "1 lines were refused."),
    ],
)
def test_what_cannot_be_loaded_is_refused(load, abc, text, options, reason):
    assert reason in load(text, *options)[1]
    assert not PriceLoad.objects.exists()


def test_a_file_that_is_not_there_is_named(load, abc, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("load_prices", str(tmp_path / "none.csv"))

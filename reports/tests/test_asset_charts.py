"""The chart of an asset in the API: its values over time as a picture, and nothing of other assets."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from PIL import Image

from assets.classification.seeds import TypeId
from assets.models import Asset
from reports.api.asset import asset_charts
from reports.queries.asset_values import asset_values
from reports.rendering.asset_plots import asset_value_plot
from reports.tests.test_chart_views import texts
from strata.audit import clock
from tests.factories import add_value, create_asset, create_valued_asset
from tests.refusals import assert_refused

TYPES = {"svg": "image/svg+xml", "png": "image/png"}
JUNE, JULY, AUGUST = date(2024, 6, 1), date(2024, 7, 1), date(2024, 8, 1)


@pytest.fixture
def account(portfolio):
    asset = create_valued_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT, "100")
    add_value(asset, 250, JULY)
    return asset


@pytest.fixture
def drawn_steps(monkeypatch):
    """What is given to be drawn, instead of the picture."""
    calls = []

    def draw(steps, **options) -> bytes:
        calls.append((steps, options))
        return b"<svg/>"

    monkeypatch.setattr(asset_charts, "asset_value_plot", draw)
    return calls


def path(asset, kind="svg", query=""):
    return f"/api/v1/assets/{asset.pk}/chart.{kind}?{query}"


@pytest.mark.parametrize("kind", TYPES)
def test_path_says_the_format(alice, account, kind):
    answer = alice.get(path(account, kind, "end=2024-08-01&width=400&height=300"))
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, TYPES[kind])
    if kind == "png":
        assert Image.open(io.BytesIO(answer.content)).size == (400, 300)
    else:
        assert {"Account", "1 Jun 2024 – 1 Aug 2024", "EUR"} <= set(texts(answer))


def test_values_are_drawn_from_the_first_to_today(alice, account, drawn_steps, time_machine):
    time_machine.move_to("2024-08-01T12:00:00Z")
    alice.get(path(account))
    ((steps, options),) = drawn_steps
    assert steps == [(JUNE, Decimal(100)), (JULY, Decimal(250))]
    assert (options["start"], options["end"], options["currency"]) == (JUNE, AUGUST, "EUR")


def test_range_begins_with_the_value_that_holds_on_its_first_day(alice, account, drawn_steps):
    alice.get(path(account, query="start=2024-06-20&end=2024-06-30"))
    assert drawn_steps[0][0] == [(date(2024, 6, 20), Decimal(100))]


def test_debt_is_signed_as_its_values_are(alice, portfolio, drawn_steps):
    alice.get(path(create_valued_asset(portfolio, "Loan", TypeId.LOAN, "-40"), query="end=2024-08-01"))
    assert drawn_steps[0][0] == [(JUNE, Decimal(-40))]


def test_asset_is_worth_nothing_from_its_sale_on(account):
    add_value(account, 900, AUGUST)
    account.disposed_on = date(2024, 7, 15)
    values = asset_values(account, start=None, end=AUGUST)
    assert list(values.steps) == [
        (JUNE, Decimal(100)),
        (JULY, Decimal(250)),
        (date(2024, 7, 15), Decimal(0)),
    ]


def test_line_has_steps_and_no_slopes(alice, account):
    """The line of the drawing goes only to the right, or up and down."""
    picture = alice.get(path(account, query="end=2024-08-01")).content.decode()
    line = next(part for part in picture.split("<path") if "stroke: #6d28d9" in part)
    points = [
        tuple(map(float, pair.split()[:2]))
        for pair in line.partition('d="')[2].partition('"')[0].replace("L", "M").split("M")[1:]
    ]
    assert len(points) >= 4
    assert all(before[0] == after[0] or before[1] == after[1] for before, after in pairwise(points))


@pytest.mark.parametrize("kind", TYPES)
def test_asset_without_values_is_an_empty_picture_that_says_so(alice, portfolio, account, kind):
    empty = create_asset(portfolio, "Empty")
    for request in (path(empty, kind), path(account, kind, "start=2024-01-01&end=2024-02-01")):
        answer = alice.get(request)
        assert answer.status_code == 200
        if kind == "svg":
            assert "No value in this time" in texts(answer)


def test_known_at_draws_what_was_known(alice, account, drawn_steps):
    before = clock.now().isoformat().replace("+00:00", "Z")
    alice.post(f"/api/v1/assets/{account.pk}/snapshots", {"value": "7", "on": "2024-07-10"})
    alice.get(path(account, query="end=2024-08-01"))
    alice.get(path(account, query=f"end=2024-08-01&known_at={before}"))
    assert [len(steps) for steps, _ in drawn_steps] == [3, 2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=2024-07-02&end=2024-07-01", "start"),
        ("start=2024-02-30", "start"),
        ("end=soon", "end"),
        ("face=blue", "face"),
        ("width=1", "width"),
        ("currency=USD", "currency"),
        ("known_at=now", "known_at"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(alice, account, query, field):
    assert_refused(alice.get(path(account, query=query)), field)


@pytest.mark.parametrize("kind", TYPES)
def test_asset_of_strangers_is_not_found(charlie, alice, account, kind):
    answers = [charlie.get(path(account, kind)), alice.get(f"/api/v1/assets/nonsense/chart.{kind}")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (404, "ASSET_NOT_FOUND")
    ] * 2


def test_unchanged_picture_is_confirmed_by_one_query(alice, account, django_assert_num_queries):
    request = path(account, query="end=2024-08-01")
    tag = alice.get(request)["ETag"]
    with django_assert_num_queries(1):
        assert alice.get(request, HTTP_IF_NONE_MATCH=tag).status_code == 304
    Asset.objects.filter(pk=account.pk).update(name="Other")
    assert alice.get(request, HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_picture_is_in_the_language_and_formats_of_its_user(alice, account):
    german = alice.get(path(account, query="end=2024-08-01"), HTTP_ACCEPT_LANGUAGE="de")
    assert "01.06.2024 – 01.08.2024" in texts(german)


def test_century_of_days_is_one_step_for_each_pixel():
    steps = [(date.fromordinal(JUNE.toordinal() + number), Decimal(number % 7)) for number in range(36_500)]
    picture = asset_value_plot(steps, start=JUNE, end=steps[-1][0], currency="EUR", title="Old")
    assert len(picture) < 100_000

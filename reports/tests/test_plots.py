"""The pictures: positions, texts, and malicious names."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from PIL import Image

from assets.valuation.series import Missing
from reports.calculations.allocation import Allocation, Slice
from reports.calculations.net_worth import Point
from reports.rendering.drawing import THEMES, ChartOptions
from reports.rendering.palette import PALETTE
from reports.rendering.plots import allocation_plot, net_worth_plot

pytestmark = pytest.mark.on_sqlite

SVG, PNG = ChartOptions("svg"), ChartOptions("png")


def point(month: int, assets=300_000, liabilities=-200_000, groups=None, missing=()) -> Point:
    owned, owed = Decimal(assets), Decimal(liabilities)
    return Point(date(2024, month, 1), owned, owed, owned + owed, groups or {}, missing)


YEAR = [point(month, 300_000 + 1_000 * month) for month in range(1, 13)]


def spread(*names: str, owed: tuple[str, ...] = (), **given) -> tuple[Allocation, dict]:
    """An allocation with a slice of 100 for each name and a debt of 50 for each that is owed."""
    share = Decimal(1) / len(names)
    slices = tuple(Slice(name, Decimal(100), share) for name in names)
    debts = tuple(Slice(name, Decimal(-50), None) for name in owed)
    totals = Decimal(100 * len(names)), Decimal(-50 * len(owed))
    allocation = Allocation(
        date(2024, 6, 1), "EUR", *totals, slices, debts, **{"overlap": False, "missing_rates": ()} | given
    )
    return allocation, {name: name for name in (*names, *owed)}


def allocated(*names: str, options: ChartOptions = SVG, **given) -> bytes:
    allocation, labels = spread(*names, **given)
    return allocation_plot(allocation, labels=labels, options=options)


def grouped(*names: str, overlap: bool = False, options: ChartOptions = SVG) -> bytes:
    points = [point(month, groups={name: Decimal(100) for name in names}) for month in (1, 2, 3)]
    return net_worth_plot(
        points, currency="EUR", labels={n: n for n in names}, overlap=overlap, options=options
    )


def texts(svg: bytes) -> list[str]:
    return [node.text for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def image(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def rows_with(picture: Image.Image, wanted, most: int | None = None) -> list[int]:
    """The rows above the legend in which some pixel is `wanted`."""
    width, height = picture.size
    return [
        y for y in range(most or height) if any(wanted(*picture.getpixel((x, y))) for x in range(0, width, 7))
    ]


# --- positions ---


@pytest.mark.parametrize("theme", THEMES)
def test_liabilities_stand_below_assets(theme):
    picture = image(net_worth_plot(YEAR, currency="EUR", options=ChartOptions("png", theme)))
    teal = rows_with(picture, lambda r, g, b: g > r + 25 and b > r + 15, 420)
    red = rows_with(picture, lambda r, g, b: r > g + 25 and r > b + 25, 420)
    assert len(teal) > 50
    assert len(red) > 50
    assert max(teal) <= min(red)


def test_debts_stand_left_of_what_is_owned():
    picture = image(allocated("Flat", owed=("Mortgage",), options=PNG)).rotate(90, expand=True)
    owned = rows_with(picture, lambda r, g, b: g > r + 90)
    owed = rows_with(picture, lambda r, g, b: r > g + 150 and r > b + 150)
    assert owned
    assert owed
    # After rotation the right side is on top; the legend's patches are in between.
    bars = (min(owned), max(owed))
    assert bars[0] < 200
    assert bars[1] > 300


@pytest.mark.parametrize("theme", THEMES)
def test_ground_is_that_of_the_theme(theme):
    expected = tuple(bytes.fromhex(THEMES[theme].ground[1:]))
    for png in (
        net_worth_plot(YEAR, currency="EUR", options=ChartOptions("png", theme)),
        allocated("a", options=ChartOptions("png", theme)),
    ):
        assert image(png).getpixel((1, 1)) == expected


@pytest.mark.parametrize(("width", "height"), [(320, 200), (960, 480), (2000, 1500)])
def test_picture_has_the_size_asked_for(width, height):
    for draw in (
        lambda options: net_worth_plot(YEAR, currency="EUR", options=options),
        lambda options: allocated("a", options=options),
    ):
        assert image(draw(ChartOptions("png", "light", width, height))).size == (width, height)
        root = ElementTree.fromstring(draw(ChartOptions("svg", "light", width, height)))
        assert (root.get("width"), root.get("height")) == (f"{width * 0.75:g}pt", f"{height * 0.75:g}pt")


@pytest.mark.parametrize("theme", THEMES)
def test_smallest_debt_is_seen_and_named_beside_the_largest_house(theme):
    house = Slice("House", Decimal(336_000), Decimal(1))
    card = Slice("Card", Decimal(-715), None)
    allocation = Allocation(
        date(2024, 1, 1), "EUR", house.value, card.value, (house,), (card,), overlap=False, missing_rates=()
    )
    labels = {"House": "House", "Card": "Card"}
    picture = image(allocation_plot(allocation, labels=labels, options=ChartOptions("png", theme)))
    owed = rows_with(picture.rotate(90, expand=True), lambda r, g, b: r > g + 90 and r > b + 90)
    assert len(owed) >= 2
    assert "-715" in texts(allocation_plot(allocation, labels=labels))


@pytest.mark.parametrize("theme", THEMES)
def test_legend_has_the_colour_that_the_areas_have(theme):
    """The colours of an area and of its entry in the legend, which are blended with the same background."""
    picture = image(net_worth_plot(YEAR, currency="EUR", options=ChartOptions("png", theme)))
    width, height = picture.size
    ground = picture.getpixel((1, 1))
    above = Counter(picture.crop((100, 60, width - 60, 200)).get_flattened_data())
    del above[ground]
    (area, _), *_ = above.most_common(1)
    assert area in set(picture.crop((0, height - 60, width, height)).get_flattened_data())


@pytest.mark.parametrize("height", [200, 480])
def test_nothing_touches_the_edge(height):
    for png in (
        net_worth_plot(YEAR, currency="EUR", options=ChartOptions("png", height=height)),
        allocated("A group", options=ChartOptions("png", height=height)),
    ):
        picture = image(png)
        inner = picture.crop((5, 5, picture.width - 5, picture.height - 5))
        picture.paste((255, 255, 255), (5, 5, picture.width - 5, picture.height - 5))
        assert len(set(picture.get_flattened_data())) == 1
        assert len(set(inner.get_flattened_data())) > 1


def test_axes_name_currency_dates_and_thousands():
    said = texts(net_worth_plot(YEAR, currency="EUR"))
    assert {"EUR", "Date", "300,000", "-200,000", "0", "Assets", "Debts", "Net worth"} <= set(said)
    assert {"2024", "Mar", "May"} <= set(said)


@pytest.mark.parametrize(
    ("worth", "unit", "tick"),
    [
        ("0.05", "EUR", "0.01"),
        ("25000000", "EUR million", "10"),
        ("3e10", "EUR billion", "10"),
        ("3e30", "EUR trillion", "1e+18"),
    ],
)
def test_axis_takes_a_unit_in_which_its_numbers_are_short(worth, unit, tick):
    said = texts(net_worth_plot([point(1, 0, 0), point(2, worth, 0)], currency="EUR"))
    assert unit in said
    assert tick in said


def test_one_day_alone_is_drawn_with_its_date():
    assert "2024-05-01" in texts(net_worth_plot([point(5)], currency="EUR"))


def test_years_at_the_edges_are_drawn():
    points = [Point(date(year, 1, 1), Decimal(1), Decimal(0), Decimal(1), {}, ()) for year in (1800, 2200)]
    assert "1800" in texts(net_worth_plot(points, currency="EUR"))


def test_nothing_at_all_is_drawn():
    assert texts(net_worth_plot([point(1, 0, 0), point(2, 0, 0)], currency="EUR"))
    empty = Allocation(
        date(2024, 1, 1), "EUR", Decimal(0), Decimal(0), (), (), overlap=False, missing_rates=()
    )
    assert "Allocation" in texts(allocation_plot(empty, labels={}))


# --- texts ---


def test_picture_says_that_it_is_complete():
    assert "Complete." in texts(net_worth_plot(YEAR, currency="EUR"))


def test_picture_says_on_how_many_days_which_currencies_are_missing():
    gap = Missing("CHF", date(2024, 12, 1), Decimal(5))
    said = texts(net_worth_plot([*YEAR[:-1], point(12, missing=(gap,))], currency="EUR"))
    assert "Incomplete: 1 of 12 days lacks a rate of CHF." in said
    assert "Incomplete" in said


def test_allocation_says_its_day_and_what_is_missing():
    gap = Missing("CHF", date(2024, 6, 1), Decimal(5))
    assert "2024-06-01. Incomplete: It lacks a rate of CHF." in texts(allocated("a", missing_rates=(gap,)))


def test_groups_that_overlap_are_said_to():
    assert "Complete. Groups overlap." in texts(grouped("a", "b", overlap=True))
    assert "Complete." in texts(grouped("a", "b"))


def test_what_is_in_no_group_is_named():
    points = [point(1, groups={None: Decimal(1)}), point(2, groups={None: Decimal(1)})]
    assert "not in any" in texts(net_worth_plot(points, currency="EUR", labels={}))


def test_groups_beyond_the_colours_are_drawn_together():
    names = [f"group {number:02}" for number in range(len(PALETTE) + 3)]
    said = texts(grouped(*names))
    assert "3 others" in said
    assert sum(text.startswith("group") for text in said) == len(PALETTE)


def test_bars_beyond_the_room_are_drawn_together():
    said = texts(allocated(*map(str, range(100, 140)), owed=tuple(map(str, range(200, 230)))))
    assert {"32 others", "26 other debts", "80.0\u00a0%"} <= set(said)


def test_target_is_in_the_legend_where_there_is_one():
    assert "Target" not in texts(allocated("a"))
    part = Slice("a", Decimal(100), Decimal(1), Decimal("0.5"), Decimal("0.5"), Decimal(-50))
    goal = Allocation(
        date(2024, 1, 1), "EUR", Decimal(100), Decimal(0), (part,), (), overlap=False, missing_rates=()
    )
    assert "Target" in texts(allocation_plot(goal, labels={"a": "a"}))


# --- names ---

MEAN = (
    "<script>alert(1)</script>",
    "]]> & &amp; <!--",
    "$x^2$ and $\\frac{$",
    "_underscored",
    "مرحبا بالعالم",
    "🏠👩‍👩‍👧",
    "100 %s {0} \\n",
    '" onload="alert(1)',
)


@pytest.mark.parametrize("name", MEAN)
def test_name_is_shown_as_it_was_written(name):
    options = ChartOptions("svg", width=2000)
    assert name in texts(grouped(name, "other", options=options))
    assert name in texts(allocated(name, options=options))
    assert name in texts(net_worth_plot(YEAR, currency="EUR", title=name, options=options))


@pytest.mark.parametrize("name", MEAN)
def test_name_brings_no_element_and_no_attribute(name):
    def kinds(svg: bytes) -> set[tuple]:
        return {(node.tag, *sorted(node.keys())) for node in ElementTree.fromstring(svg).iter()}

    assert kinds(grouped(name)) <= kinds(grouped("plain"))


@pytest.mark.parametrize("name", MEAN)
def test_name_can_be_drawn_in_pixels(name):
    assert image(grouped(name, options=PNG)).size == image(allocated(name, options=PNG)).size == (960, 480)


def test_long_name_ends_in_an_ellipsis():
    for svg in (
        grouped("n" * 200),
        allocated("n" * 200),
        net_worth_plot(YEAR, currency="EUR", title="n" * 200),
    ):
        (shown,) = [text for text in texts(svg) if text.startswith("nn")]
        assert shown.endswith("n…")
        assert len(shown) < 80


def test_what_is_no_letter_is_left_out():
    assert "invoice gpj" in texts(allocated("in\x00voice\u202e \n\t gpj\ud800"))


# --- how it is drawn ---


@pytest.mark.parametrize("format", ["svg", "png"])
def test_same_values_make_the_same_bytes_in_any_thread(format):
    options = ChartOptions(format)
    with ThreadPoolExecutor(4) as threads:
        nets = set(threads.map(lambda _: net_worth_plot(YEAR, currency="EUR", options=options), range(8)))
        spreads = set(threads.map(lambda _: allocated("a", "b", options=options), range(8)))
    assert (len(nets), len(spreads)) == (1, 1)


def test_drawing_library_is_loaded_with_the_first_picture_only():
    code = (
        "import django, sys; django.setup()\n"
        "import strata.urls, reports.dashboard.page, reports.rendering.plots, reports.rendering.drawing as drawing\n"
        "assert not {'matplotlib', 'numpy', 'plotext'} & set(sys.modules)\n"
        "drawing._matplotlib()\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "strata.settings"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)

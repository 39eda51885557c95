"""The pictures of the API: the parameters of the reports, the format of the path, and safe to open."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from assets.classification.seeds import TypeId
from assets.models import Asset
from portfolios.models import Portfolio
from reports.api.chart_views import PngRenderer, SvgRenderer
from reports.rendering.drawing import THEMES
from tests.factories import create_valued_asset
from tests.refusals import assert_refused

# The values of the pictures are those of the reports, whose own tests run on both databases.
pytestmark = [pytest.mark.on_sqlite, pytest.mark.usefixtures("shared_holdings")]

API = "/api/v1"
TYPES = {"svg": "image/svg+xml", "png": "image/png"}
MOMENT = {"net-worth": "end=2024-06-28", "allocation": "on=2024-06-28"}


@pytest.fixture(params=MOMENT)
def what(request):
    return request.param


@pytest.fixture(params=TYPES)
def kind(request):
    return request.param


def drawn(client, what, kind="svg", asked="", **headers):
    answer = client.get(f"{API}/{what}/chart.{kind}?{MOMENT[what.rpartition('/')[2]]}&{asked}", **headers)
    assert answer.status_code == 200, answer.content
    return answer


def texts(answer) -> list[str]:
    return [
        node.text for node in ElementTree.fromstring(answer.content).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "image/avif,image/webp,*/*;q=0.8", "text/html"]
)
def test_path_says_what_it_is(alice, holdings, what, kind, accept):
    answer = drawn(alice, what, kind, HTTP_ACCEPT=accept)
    assert answer["Content-Type"].split(";")[0] == TYPES[kind]
    if kind == "png":
        assert Image.open(io.BytesIO(answer.content)).size == (960, 480)
    else:
        assert ElementTree.fromstring(answer.content).tag.endswith("svg")


def test_picture_of_one_portfolio_is_that_of_all_where_there_is_one(vera, portfolio, holdings, what, kind):
    assert drawn(vera, f"portfolios/{portfolio.pk}/{what}", kind).content == drawn(vera, what, kind).content


def test_net_worth_shows_what_the_report_tells(alice, holdings):
    shown = texts(drawn(alice, "net-worth", asked="start=2024-06-28&interval=day"))
    assert {"Net worth: Main", "28 Jun 2024", "EUR", "400", "Complete."} <= set(shown)


def test_net_worth_is_incomplete_where_a_rate_is_missing(alice, holdings):
    shown = texts(drawn(alice, "net-worth", asked="start=2024-06-25&interval=day"))
    assert "Incomplete: 3 of 4 days lack a rate of USD." in shown


def test_net_worth_is_drawn_by_group(alice, holdings):
    assert {"Bonds", "Shares", "No category"} <= set(
        texts(drawn(alice, "net-worth", asked="group_by=category&level=2"))
    )
    assert "Complete. Groups overlap." in texts(
        drawn(alice, "net-worth", asked="group_by=tag&start=2024-06-28&interval=day")
    )


def test_allocation_is_drawn_by_what_was_asked(alice, holdings):
    assert {"Fund", "Bond", "Cash", "Loan", "66.7\u00a0%"} <= set(
        texts(drawn(alice, "allocation", asked="group_by=asset"))
    )


def test_currency_is_that_asked_for(alice, holdings, what):
    assert "USD" in texts(drawn(alice, what, asked="currency=USD"))


@pytest.mark.parametrize("face", THEMES)
def test_face_and_size_are_those_asked_for(alice, holdings, what, face):
    answer = drawn(alice, what, "png", f"face={face}&width=400&height=300")
    picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert picture.size == (400, 300)
    assert picture.getpixel((1, 1)) == tuple(bytes.fromhex(THEMES[face].ground[1:]))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("face=blue", "face"),
        ("face=light&face=dark", "face"),
        ("width=319", "width"),
        ("width=2001", "width"),
        ("width=1e3", "width"),
        ("height=199", "height"),
        ("height=1501", "height"),
        ("height=-480", "height"),
        ("size=3", "size"),
    ],
)
def test_look_out_of_bounds_is_refused_by_name_in_json(alice, holdings, what, kind, asked, field):
    assert_refused(alice.get(f"{API}/{what}/chart.{kind}?{asked}"), field)


def test_parameters_are_those_of_the_report(alice, holdings):
    assert_refused(alice.get(f"{API}/net-worth/chart.svg?start=2024-02-01&end=2024-01-01"), "start")
    assert_refused(alice.get(f"{API}/net-worth/chart.svg?interval=hour"), "interval")
    assert_refused(alice.get(f"{API}/net-worth/chart.svg?start=1800-01-01&interval=day"), "interval")
    assert_refused(alice.get(f"{API}/allocation/chart.svg?group_by=price"), "group_by")


def test_stranger_is_answered_as_if_there_were_nothing(charlie, portfolio, holdings, what, kind):
    for path in (
        f"portfolios/{portfolio.pk}/{what}/chart.{kind}",
        f"{what}/chart.{kind}?portfolio={portfolio.pk}",
    ):
        answer = charlie.get(f"{API}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "PORTFOLIO_NOT_FOUND")


def test_names_of_others_are_not_in_the_picture(charlie, portfolio, holdings):
    assert "Fund" not in texts(drawn(charlie, "allocation", asked="group_by=asset"))


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "$x^2$ $\\frac{$", "_hidden", "🏠", "مرحبا", "n" * 200]
)
def test_any_name_can_be_drawn(alice, portfolio, holdings, what, kind, name):
    Portfolio.objects.filter(pk=portfolio.pk).update(name=name)
    Asset.objects.filter(name="Fund").update(name=name)
    answer = drawn(alice, what, kind, "group_by=asset")
    if kind == "svg":
        assert any(text.startswith(name[:10]) for text in texts(answer))
        assert b"<script" not in answer.content


def test_unchanged_picture_is_confirmed_without_drawing(
    alice, holdings, what, kind, django_assert_num_queries
):
    path = f"{API}/{what}/chart.{kind}?{MOMENT[what]}"
    tag = alice.get(path)["ETag"]
    with django_assert_num_queries(1):
        again = alice.get(path, HTTP_IF_NONE_MATCH=tag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert alice.get(f"{path}&face=dark", HTTP_IF_NONE_MATCH=tag).status_code == 200


@pytest.mark.parametrize("renderer", [SvgRenderer, PngRenderer])
def test_nothing_is_no_bytes(renderer):
    assert renderer().render(None) == b""  # of a 304, which may have none


def test_picture_of_something_else_has_another_etag(alice, holdings, what, kind):
    path = f"{API}/{what}/chart.{kind}?{MOMENT[what]}"
    before = alice.get(path)
    body = {"value": "2000.00", "on": "2024-06-02"}
    assert alice.post(f"{API}/assets/{holdings['cash'].pk}/snapshots", body).status_code == 201
    after = alice.get(path, HTTP_IF_NONE_MATCH=before["ETag"])
    assert after.status_code == 200
    assert after.content != before.content


def test_same_question_is_answered_with_the_same_bytes(alice, holdings, what, kind):
    assert drawn(alice, what, kind).content == drawn(alice, what, kind).content


def test_picture_may_style_itself_and_nothing_else(alice, holdings, what):
    policy = drawn(alice, what)["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def test_longest_history_is_drawn(alice, portfolio, holdings):
    create_valued_asset(portfolio, "Old", TypeId.CASH, "5", on="1925-01-01")
    answer = drawn(alice, "net-worth", asked="interval=day")
    assert len(answer.content) < 400_000


def test_number_of_queries_does_not_grow(alice, portfolio, holdings, what, django_assert_max_num_queries):
    drawn(alice, what)  # loads the rates, which are kept from then on
    with django_assert_max_num_queries(7):
        drawn(alice, what)
    for number in range(5):
        create_valued_asset(portfolio, f"More {number}", TypeId.CASH, "5")
    with django_assert_max_num_queries(7):
        drawn(alice, what)


def test_picture_is_in_the_language_and_formats_of_its_user(alice, alice_user, holdings):
    asked = "group_by=asset"
    english = drawn(alice, "allocation", asked=asked)
    path = english.wsgi_request.get_full_path()
    by_browser = alice.get(path, HTTP_ACCEPT_LANGUAGE="de-CH")
    assert {"66,7\u00a0%"}.isdisjoint(texts(by_browser))
    assert any(text.startswith("28.06.2024. ") for text in texts(by_browser))
    alice_user.language, alice_user.number_format, alice_user.date_format = "de", "1.234,56", "YYYY-MM-DD"
    chosen = alice.get(path, headers={"If-None-Match": english["ETag"]})
    assert "66,7\u00a0%" in texts(chosen)
    assert any(text.startswith("2024-06-28. ") for text in texts(chosen))
    assert "Vermögen" in " ".join(texts(alice.get(path.replace("allocation", "net-worth").partition("?")[0])))
    assert len({answer["ETag"] for answer in (english, by_browser, chosen)}) == 3
    assert "Accept-Language" in english["Vary"]
    assert alice.get(path, headers={"If-None-Match": chosen["ETag"]}).status_code == 304

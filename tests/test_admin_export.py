"""The pages of the admin that show rows or reports export them: the API's tables, with the page's filters."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.urls import reverse

from portfolios.models import Portfolio
from strata.admin.export import IN_THE_PATH, export_of_list
from strata.fields.ids import uuid7
from tests.admin_forms import staff
from tests.factories import create_asset
from tests.refusals import assert_refused
from tests.spreadsheets import sheets_of

EXPORTED = {
    page.opts.label_lower: page for page in admin.site._registry.values() if getattr(page, "exported_as", "")
}
# Filters that the API does not have: the page says so.
NOT_KEPT = {
    "portfolios.portfoliosnapshot": {"complete", "manual"},
    "strata.apitoken": {"scope"},
    "assets.assettype": {"kind", "liquid"},
    "assets.exchangerate": {"lasting"},
}


class Controls(HTMLParser):
    """The links and forms of the controls "Export" of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, list[tuple[str, str]], list[str]]] = []
        self.depth = 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "div" and (self.depth or given.get("class") == "strata-export"):
            self.depth += 1
        if not self.depth:
            return
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append((given["action"], [], []))
        elif tag == "input" and given["type"] == "hidden":
            self.forms[-1][1].append((given["name"], given["value"]))
        elif tag == "input":
            assert (given["type"], given["name"]) == ("checkbox", "columns")
            self.forms[-1][2].append(given["value"])

    def handle_endtag(self, tag):
        if tag == "div" and self.depth:
            self.depth -= 1


def controls_of(client, path, **params) -> Controls:
    answer = client.get(path, params)
    assert answer.status_code == 200
    return Controls(answer.content.decode())


def table_of(answer) -> list[list[str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def require_files(client, controls: Controls) -> None:
    """Each link is a file; each form makes one of the columns that are ticked, in the order of the form."""
    assert len(controls.links) == 2 * len(controls.forms)
    for number, (action, hidden, columns) in enumerate(controls.forms):
        as_csv, as_xlsx = controls.links[2 * number : 2 * number + 2]
        header, *rows = table_of(client.get(as_csv))
        ((same, *others),) = sheets_of(client.get(as_xlsx).getvalue())
        assert (same, len(others)) == (header, len(rows))
        assert header == columns, action
        picked = [("columns", columns[1]), ("columns", columns[-1])]
        for table_format in ("csv", "xlsx"):
            sent = f"{action}?{urlencode([*hidden, *picked, ('format', table_format)])}"
            answer = client.get(sent)
            first = table_of(answer)[0] if table_format == "csv" else sheets_of(answer.getvalue())[0][0]
            assert first == [columns[1], columns[-1]], sent
        assert_refused(
            client.get(f"{action}?{urlencode([*hidden, ('columns', 'x'), ('format', 'csv')])}"), "columns"
        )


@pytest.mark.parametrize("label", EXPORTED)
def test_a_list_exports_its_rows_as_csv_and_xlsx(alice_user, world, label):
    page, client = EXPORTED[label], staff(alice_user)
    controls = controls_of(client, reverse(f"admin:{label.replace('.', '_')}_changelist"))
    args = [world["portfolio"].pk] if IN_THE_PATH in page.exported_filters.values() else []
    assert [action for action, _hidden, _columns in controls.forms] == [reverse(page.exported_as, args=args)]
    require_files(client, controls)


def test_most_lists_have_them(db):
    assert len(EXPORTED) >= 12


def test_every_filter_of_a_list_is_one_of_the_api_or_known_not_to_be(db):
    for label, page in EXPORTED.items():
        for each in page.list_filter:
            field = each[0] if isinstance(each, tuple) else getattr(each, "parameter_name", each)
            names = page.exported_filters
            args = [uuid7()] if IN_THE_PATH in names.values() else []
            export = export_of_list(page.exported_as, {field: ["1"]}, names=names, args=args)
            assert export.drops_filters == (field in NOT_KEPT.get(label, ())), (label, field)
            is_parameter = not export.drops_filters and names.get(field) != IN_THE_PATH
            assert len(export.filters) == is_parameter, (label, field)


def test_the_file_of_a_list_keeps_its_filters(alice_user, world):
    client, kept = staff(alice_user), world["asset"]
    kept.name = "Only this"
    kept.save()
    query = {
        "q": "Only this",
        "portfolio__id__exact": str(kept.portfolio_id),
        "asset_type__id__exact": str(kept.asset_type_id),
        "currency__exact": kept.currency,
        "disposed": "no",
    }
    controls = controls_of(client, reverse("admin:assets_asset_changelist"), **query)
    ((_action, hidden, _columns),) = controls.forms
    assert dict(hidden) == {
        "search": "Only this",
        "portfolio": str(kept.portfolio_id),
        "type": str(kept.asset_type_id),
        "currency": kept.currency,
        "disposed": "false",
        "bom": "1",
    }
    assert [row[1] for row in table_of(client.get(controls.links[0]))] == ["name", "Only this"]
    query["currency__exact"] = "XAU"
    controls = controls_of(client, reverse("admin:assets_asset_changelist"), **query)
    assert len(table_of(client.get(controls.links[0]))) == 1


def test_the_file_of_a_list_keeps_every_value_of_a_filter(alice_user, world):
    client, kept = staff(alice_user), world["asset"]
    other = create_asset(world["portfolio"], "In crowns", currency="SEK")
    create_asset(world["portfolio"], "In yen", currency="JPY")
    path = f"{reverse('admin:assets_asset_changelist')}?currency__exact={kept.currency}&currency__exact=SEK"
    controls = Controls(client.get(path).content.decode())
    names = {row[1] for row in table_of(client.get(controls.links[0]))[1:]}
    assert {kept.name, other.name} <= names
    assert "In yen" not in names
    ((_action, hidden, _columns),) = controls.forms
    assert [value for name, value in hidden if name == "currency"] == [kept.currency, "SEK"]


def test_saved_totals_are_exported_of_the_portfolio_that_is_chosen(alice_user, world):
    path, client = reverse("admin:portfolios_portfoliosnapshot_changelist"), staff(alice_user)
    second = Portfolio.objects.create(household=world["household"], name="Second", time_zone="UTC")
    assert controls_of(client, path).forms == []
    for portfolio in (world["portfolio"], second):
        controls = controls_of(client, path, portfolio__id__exact=str(portfolio.pk))
        address = reverse("portfolio-snapshot-list", args=[portfolio.pk])
        assert [action for action, _hidden, _columns in controls.forms] == [address]
        assert len(table_of(client.get(controls.links[0]))) == 1 + portfolio.snapshots.count()


def test_a_superuser_is_told_that_the_file_has_own_households_alone(alice_user, world):
    path, note = reverse("admin:assets_asset_changelist"), "only the rows of households that you belong to"
    assert note not in staff(alice_user).get(path).content.decode()
    alice_user.is_superuser = True
    alice_user.save()
    assert note in staff(alice_user).get(path).content.decode()


def test_a_list_says_that_its_file_does_not_keep_a_filter(alice_user, world):
    path, client = reverse("admin:assets_assettype_changelist"), staff(alice_user)
    note = "does not keep every filter"
    assert note in client.get(path, {"kind__exact": "ASSET"}).content.decode()
    assert note not in client.get(path, {"group__exact": "CASH"}).content.decode()


@pytest.mark.parametrize("chart", ["net", "groups"])
def test_the_dashboard_exports_its_reports_as_they_are_shown(alice_user, world, chart):
    client, portfolio = staff(alice_user), str(world["portfolio"].pk)
    shown = {"portfolio": portfolio, "group_by": "currency", "chart": chart, "range": "1m"}
    controls = controls_of(client, "/admin/", **shown)
    require_files(client, controls)
    worth, change, allocation = (
        (action.rpartition("/v1/")[2], dict(hidden)) for action, hidden, _columns in controls.forms
    )
    assert {asked[1]["portfolio"] for asked in (worth, change, allocation)} == {portfolio}
    assert (worth[0], worth[1].get("group_by")) == ("net-worth", "currency" if chart == "groups" else None)
    assert (change[0], change[1]["end"]) == ("net-worth/change", worth[1]["end"])
    assert (allocation[0], allocation[1]["group_by"]) == ("allocation", "currency")
    assert (allocation[1]["on"], worth[1]["start"]) == (worth[1]["end"], change[1]["start"])


def test_the_allocation_keeps_what_the_dashboard_narrows_it_to(alice_user, world):
    type_id = str(world["asset"].asset_type_id)
    controls = controls_of(staff(alice_user), "/admin/", type=type_id, group_by="asset")
    assert dict(controls.forms[-1][1])["type"] == type_id


def test_the_page_of_performance_exports_its_reports(alice_user, world):
    client, portfolio = staff(alice_user), str(world["portfolio"].pk)
    controls = controls_of(client, "/admin/performance/", portfolio=portfolio, range="1m", year="2025")
    require_files(client, controls)
    asked = {action.rpartition("/")[2]: dict(hidden) for action, hidden, _columns in controls.forms}
    assert {filters["portfolio"] for filters in asked.values()} == {portfolio}
    assert list(asked) == ["performance", "lots", "income", "realised-gains"]
    assert asked["realised-gains"]["year"] == "2025"
    assert asked["lots"]["on"] == asked["income"]["end"] == asked["performance"]["end"]
    assert asked["income"]["start"] == asked["performance"]["start"]


def test_the_data_checks_of_a_portfolio_are_exported(alice_user, world):
    client, portfolio = staff(alice_user), world["portfolio"]
    path = reverse("admin:portfolios_portfolio_quality", args=[portfolio.pk])
    controls = controls_of(client, path, on="2026-01-31")
    require_files(client, controls)
    ((action, hidden, _columns),) = controls.forms
    assert (action, dict(hidden)["on"]) == (f"/api/v1/portfolios/{portfolio.pk}/quality", "2026-01-31")

"""A household is entered through the API; its totals and reports are compared with sums calculated by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from assets.models import Asset, AssetSnapshot, ExchangeRate

API = "/api/v1"


@pytest.fixture
def rates(db):
    for on, rate in (("2024-06-14", "1.25"), ("2024-07-01", "1.60"), ("2024-09-02", "1.60")):
        ExchangeRate.objects.create(currency="USD", on=on, units_per_euro=rate, source="ecb")


class Household:
    """Enters assets and values through the API and reads totals."""

    def __init__(self, client):
        self.client = client
        self.portfolio = self.post("/portfolios", {"name": "Home", "base_currency": "EUR"})["id"]
        types = client.get(f"{API}/asset-types?page_size=200").json()["results"]
        self.types = {asset_type["code"]: asset_type["id"] for asset_type in types}

    def post(self, path, body, status=201):
        answer = self.client.post(API + path, body)
        assert answer.status_code == status, answer.content
        return answer.json()

    def asset(self, name, code, **fields):
        body = {"portfolio_id": self.portfolio, "asset_type_id": self.types[code], "name": name, **fields}
        return self.post("/assets", body)["id"]

    def value(self, asset, on, value):
        return self.post(f"/assets/{asset}/snapshots", {"value": value, "on": on})

    def total(self, on):
        answer = self.client.get(f"{API}/portfolios/{self.portfolio}?on={on}").json()
        assert answer["complete"], answer["missing_rates"]
        return Decimal(answer["total_value"])


def enter(home):
    """Enters everything, not in order of date."""
    checking = home.asset("Checking", "CHECKING_ACCOUNT")
    home.value(checking, "2024-01-01", "5000.00")
    flat = home.asset("Flat", "REAL_ESTATE", acquired_on="2024-03-01")
    home.value(flat, "2024-03-01", "250000")
    home.post(f"/assets/{flat}/dispose", {"on": "2024-09-01", "proceeds": "260000.00"}, status=200)
    mortgage = home.asset("Mortgage", "MORTGAGE")
    home.value(mortgage, "2024-03-01", "-200000")
    home.value(mortgage, "2024-04-01", "-198000")
    home.value(checking, "2024-04-01", "3499.75")
    wardrobe = home.asset("Wardrobe", "PERSONAL_PROPERTY")
    home.post(f"/assets/{wardrobe}/transactions", {"type": "ACQUIRE", "amount": "300", "on": "2024-02-01"})
    home.value(wardrobe, "2024-02-01", "300")
    home.post(f"/assets/{wardrobe}/transactions", {"type": "ACQUIRE", "amount": "120", "on": "2024-02-10"})
    home.value(wardrobe, "2024-02-10", "420")
    home.value(home.asset("LEGO set", "COLLECTIBLES"), "2024-05-05", "85.50")
    home.value(home.asset("Chairs", "PERSONAL_PROPERTY", quantity="10"), "2024-05-20", "450.00")
    home.value(home.asset("Card", "CREDIT_CARD"), "2024-06-01", "-240.34")
    home.value(home.asset("Dollars", "SAVINGS_ACCOUNT", currency="USD"), "2024-06-15", "1000.00")
    home.value(home.asset("Car", "VEHICLE"), "2024-07-01", "12345.67")
    home.value(mortgage, "2024-09-01", "0")
    home.value(checking, "2024-09-01", "65499.75")


BY_HAND = {
    "2023-12-31": "0.00",
    "2024-01-01": "5000.00",  # checking 5000
    "2024-02-01": "5300.00",  # + wardrobe 300, the price of a coat
    "2024-02-10": "5420.00",  # wardrobe 120 more, the price of a suit
    "2024-03-01": "55420.00",  # + flat 250000, - mortgage 200000
    "2024-04-01": "55919.75",  # mortgage 2000 less; checking 1500.25 less
    "2024-05-05": "56005.25",  # + LEGO 85.50
    "2024-05-20": "56455.25",  # + ten chairs 450
    "2024-06-01": "56214.91",  # - card 240.34
    "2024-06-15": "57014.91",  # + 1000 USD at 1.25 = 800
    "2024-07-01": "69185.58",  # dollars now 625 (- 175), + car 12345.67
}


def test_total_on_every_day_of_change_equals_the_sum_by_hand(alice, rates):
    home = Household(alice)
    enter(home)
    assert {on: str(home.total(on)) for on in BY_HAND} == BY_HAND
    # 69185.58 - flat 250000 + mortgage repaid 198000 + checking 62000 more (65499.75 - 3499.75) = 79185.58
    ExchangeRate.objects.create(currency="USD", on="2024-08-30", units_per_euro="1.60", source="ecb")
    assert home.total("2024-09-01") == Decimal("79185.58")


def test_disposal_does_not_change_earlier_days(alice, rates):
    home = Household(alice)
    flat = home.asset("Flat", "REAL_ESTATE")
    home.value(flat, "2024-03-01", "250000")
    home.post(f"/assets/{flat}/dispose", {"on": "2024-09-01"}, status=200)
    assert (home.total("2024-08-31"), home.total("2024-09-01")) == (Decimal("250000.00"), Decimal("0.00"))


def test_backdated_value_counts_from_its_own_day(alice, rates):
    home = Household(alice)
    car = home.asset("Car", "VEHICLE")
    home.value(car, "2024-05-01", "9000")
    home.value(car, "2024-03-01", "9500")
    assert [home.total(f"2024-0{month}-02") for month in (2, 3, 5)] == [0, 9500, 9000]


def test_total_too_large_for_one_integer_is_exact(alice, household):
    home = Household(alice)
    asset_type = home.types["OTHER"]
    rows = [
        Asset(portfolio_id=home.portfolio, asset_type_id=asset_type, name=f"Hoard {number}", currency="EUR")
        for number in range(1000)
    ]
    Asset.objects.bulk_create(rows)
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    AssetSnapshot.objects.bulk_create(
        AssetSnapshot(asset=row, value="99999999999999.99", on=noon.date(), observed_at=noon) for row in rows
    )
    assert home.total("2024-01-01") == Decimal("99999999999999990.00")  # 1000 x 99999999999999.99


# --- the reports ---

MONTH_ENDS = {"01-31": "1.10", "02-28": "1.10", "03-28": "1.10", "04-30": "1.10", "05-31": "1.20"}
MONTH_ENDS |= {"06-28": "1.25", "07-31": "1.60", "08-30": "1.60"}


@pytest.fixture
def home(alice, rates):
    """The household with a rate at each month's end, labels, interest of 10 dollars and a repair of 20 euros."""
    home = Household(alice)
    enter(home)
    for day, rate in MONTH_ENDS.items():
        ExchangeRate.objects.create(currency="USD", on=f"2024-{day}", units_per_euro=rate, source="ecb")
    home.assets = {row.name: str(row.pk) for row in Asset.objects.all()}
    add_transaction(home, "Dollars", "INCOME", "10", "2024-06-20")  # at 1.25: 8 euros
    add_transaction(home, "Wardrobe", "EXPENSE", "20", "2024-05-01")
    property_ = home.post("/categories", {"name": "Property"})["id"]
    flats, things = (
        home.post("/categories", {"name": name, "parent_id": property_})["id"] for name in ("Flats", "Things")
    )
    for asset, category in (("Flat", flats), ("Chairs", things), ("LEGO set", things)):
        home.post(f"/assets/{home.assets[asset]}/categories/{category}", {}, status=200)
    for name, tagged in (("Home", ("Flat", "Chairs")), ("Old", ("Chairs", "LEGO set"))):
        tag = home.post("/tags", {"name": name})["id"]
        for asset in tagged:
            home.post(f"/assets/{home.assets[asset]}/tags/{tag}", {}, status=200)
    return home


def add_transaction(home, asset, transaction_type, amount, on):
    home.post(
        f"/assets/{home.assets[asset]}/transactions", {"type": transaction_type, "amount": amount, "on": on}
    )


def report(home, query):
    answer = home.client.get(f"{API}/portfolios/{home.portfolio}/{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


# On the last day of each month, and on the day of the sale: assets, liabilities, net.
IN_EURO = {
    "2024-01-31": ("5000.00", "0.00", "5000.00"),
    "2024-02-29": ("5420.00", "0.00", "5420.00"),  # + wardrobe 420
    "2024-03-31": ("255420.00", "-200000.00", "55420.00"),  # + flat 250000, mortgage 200000
    "2024-04-30": ("253919.75", "-198000.00", "55919.75"),  # checking 3499.75
    "2024-05-31": ("254455.25", "-198000.00", "56455.25"),  # + LEGO 85.50, chairs 450
    "2024-06-30": ("255255.25", "-198240.34", "57014.91"),  # + 1000 dollars at 1.25, card 240.34
    "2024-07-31": ("267425.92", "-198240.34", "69185.58"),  # dollars at 1.60 are 625; + car 12345.67
    "2024-08-31": ("267425.92", "-198240.34", "69185.58"),
    "2024-09-01": ("79425.92", "-240.34", "79185.58"),  # 65499.75 + 420 + 85.50 + 450 + 12345.67 + 625
}
IN_DOLLARS = {
    "2024-01-31": ("5500.00", "0.00", "5500.00"),  # x 1.10
    "2024-02-29": ("5962.00", "0.00", "5962.00"),
    "2024-03-31": ("280962.00", "-220000.00", "60962.00"),
    "2024-04-30": ("279311.72", "-217800.00", "61511.72"),  # 61511.725, half to even
    "2024-05-31": ("305346.30", "-237600.00", "67746.30"),  # x 1.20
    "2024-06-30": ("319069.06", "-247800.42", "71268.64"),  # x 1.25, + 1000: 319069.0625 - 247800.425
    "2024-07-31": ("427881.47", "-317184.54", "110696.93"),  # x 1.60, + 1000: 427881.472 - 317184.544
    "2024-08-31": ("427881.47", "-317184.54", "110696.93"),
    "2024-09-01": ("127081.47", "-384.54", "126696.93"),  # 78800.92 x 1.60 + 1000, 240.34 x 1.60
}


@pytest.mark.parametrize(("currency", "expected"), [("EUR", IN_EURO), ("USD", IN_DOLLARS)])
def test_net_worth_by_month_equals_sums_by_hand(home, currency, expected):
    answer = report(home, f"net-worth?end=2024-09-01&currency={currency}")
    points = {
        point["on"]: (point["assets"], point["liabilities"], point["net"]) for point in answer["points"]
    }
    assert points == expected
    assert all(point["complete"] for point in answer["points"])


# On 30 June 2024.
BREAKDOWNS = {
    "group_by=type": {
        "Checking account": "3499.75",
        "Savings account": "800.00",
        "Real estate": "250000.00",
        "Personal property": "870.00",  # wardrobe 420, chairs 450
        "Collectibles": "85.50",
        "Mortgage": "-198000.00",
        "Credit card": "-240.34",
    },
    "group_by=group": {
        "Financial": "4299.75",
        "Real estate": "250000.00",
        "Personal property": "870.00",
        "Collections": "85.50",
        "Debts": "-198240.34",
    },
    "group_by=group&currency=USD": {
        "Financial": "5374.69",  # 3499.75 x 1.25 + 1000 = 5374.6875
        "Real estate": "312500.00",
        "Personal property": "1087.50",
        "Collections": "106.87",  # 106.875: of the two halves the larger amount gets the cent
        "Debts": "-247800.42",  # -247800.425
    },
    "group_by=currency": {"EUR": "56214.91", "USD": "800.00"},
    "group_by=portfolio": {"Home": "57014.91"},
    "group_by=asset": {
        "Checking": "3499.75",
        "Flat": "250000.00",
        "Mortgage": "-198000.00",
        "Wardrobe": "420.00",
        "LEGO set": "85.50",
        "Chairs": "450.00",
        "Card": "-240.34",
        "Dollars": "800.00",
    },
    "group_by=tag": {"Home": "250450.00", "Old": "535.50", "No tag": "-193520.59"},
    "group_by=category": {"Property": "250535.50", "No category": "-193520.59"},
    "group_by=category&level=2": {"Flats": "250000.00", "Things": "535.50", "No category": "-193520.59"},
}


def test_breakdown_equals_sums_by_hand(home):
    for query, expected in BREAKDOWNS.items():
        answer = report(home, f"net-worth?start=2024-06-30&end=2024-06-30&{query}")
        names = {group["key"]: group["name"] for group in answer["groups"]}
        (point,) = answer["points"]
        assert {names[key]: amount for key, amount in point["groups"].items()} == expected, query
        assert answer["groups_overlap"] == (query == "group_by=tag"), query  # the chairs have both tags


ALLOCATIONS = {  # on 31 July 2024, of 267425.92 euros or 427881.472 dollars
    "EUR": {
        "Real estate": ("250000.00", "0.934838"),
        "Personal property": ("13215.67", "0.049418"),  # 420 + 450 + 12345.67
        "Financial": ("4124.75", "0.015424"),  # 3499.75 + 625
        "Collections": ("85.50", "0.000320"),
    },
    "USD": {
        "Real estate": ("400000.00", "0.934838"),
        "Personal property": ("21145.07", "0.049418"),
        "Financial": ("6599.60", "0.015424"),
        "Collections": ("136.80", "0.000320"),
    },
}


@pytest.mark.parametrize("currency", ALLOCATIONS)
def test_allocation_equals_shares_by_hand(home, currency):
    answer = report(home, f"allocation?on=2024-07-31&group_by=group&currency={currency}")
    assert {
        group["name"]: (group["value"], group["share"]) for group in answer["asset_groups"]
    } == ALLOCATIONS[currency]
    liabilities = {"EUR": "-198240.34", "USD": "-317184.54"}
    assert [(group["name"], group["value"]) for group in answer["liability_groups"]] == [
        ("Debts", liabilities[currency])
    ]


def reasons(row):
    """The parts of the change that are not zero."""
    parts = ("net_flows", "income", "expenses", "value_change", "fx_change", "added", "removed")
    return {name: row[name] for name in parts if row[name] != "0.00"}


def test_change_by_asset_equals_sums_by_hand(home):
    answer = report(home, "change?start=2024-02-29&end=2024-09-01")
    rows = {row["name"]: reasons(row) for row in answer["rows"] if reasons(row)}
    assert rows == {
        "Checking": {"net_flows": "60499.75"},  # from 5000 to 65499.75
        "Flat": {"net_flows": "-260000.00", "value_change": "10000.00", "added": "250000.00"},
        "Wardrobe": {"net_flows": "20.00", "expenses": "20.00"},
        "LEGO set": {"added": "85.50"},
        "Chairs": {"added": "450.00"},
        "Card": {"net_flows": "-240.34"},
        "Dollars": {"net_flows": "792.00", "income": "8.00", "fx_change": "-175.00"},  # 800 is now 625
        "Car": {"added": "12345.67"},
    }
    assert (answer["total"]["start_value"], answer["total"]["end_value"]) == ("5420.00", "79185.58")
    assert reasons(answer["total"]) == {
        "net_flows": "-198928.59",  # 60499.75 - 260000 + 20 - 240.34 + 792
        "income": "8.00",
        "expenses": "20.00",
        "value_change": "10000.00",
        "fx_change": "-175.00",
        "added": "262881.17",  # 250000 + 85.50 + 450 + 12345.67
    }


def test_change_by_group_equals_sums_by_hand(home):
    answer = report(home, "change?start=2024-02-29&end=2024-09-01&group_by=group")
    assert {row["name"]: (row["start_value"], row["end_value"], reasons(row)) for row in answer["rows"]} == {
        "Financial": (
            "5000.00",
            "66124.75",
            {"net_flows": "61291.75", "income": "8.00", "fx_change": "-175.00"},
        ),
        "Real estate": (
            "0.00",
            "0.00",
            {"net_flows": "-260000.00", "value_change": "10000.00", "added": "250000.00"},
        ),
        "Personal property": (
            "420.00",
            "13215.67",
            {"net_flows": "20.00", "expenses": "20.00", "added": "12795.67"},
        ),
        "Collections": ("0.00", "85.50", {"added": "85.50"}),
        "Debts": ("0.00", "-240.34", {"net_flows": "-240.34"}),
    }


def test_change_in_dollars_equals_sums_by_hand(home):
    answer = report(home, "change?start=2024-06-30&end=2024-07-31&currency=USD&group_by=currency")
    assert (answer["total"]["start_value"], answer["total"]["end_value"]) == ("71268.64", "110696.93")
    # The euro rose from 1.25 to 1.60: 56214.91 x 0.35 = 19675.2185; the car came at 12345.67 x 1.60 = 19753.072.
    assert reasons(answer["total"]) == {"fx_change": "19675.22", "added": "19753.07"}
    assert {row["name"]: (row["start_value"], row["end_value"], reasons(row)) for row in answer["rows"]} == {
        "EUR": ("70268.64", "109696.93", {"fx_change": "19675.22", "added": "19753.07"}),
        "USD": ("1000.00", "1000.00", {}),
    }


def test_quality_report_finds_every_kind_of_issue(home):
    home.value(home.asset("Francs", "CASH", currency="CHF"), "2024-09-01", "20")
    home.value(home.asset("Loan", "LOAN"), "2024-09-01", "700")
    home.value(home.asset("Chairs", "PERSONAL_PROPERTY"), "2024-05-20", "450.00")
    home.asset("Boat", "VEHICLE")
    home.value(home.assets["LEGO set"], "2024-09-05", "855")
    home.value(home.assets["Checking"], "2024-09-08", "-12.50")
    findings = report(home, "quality?on=2024-09-10")["findings"]
    assert sorted((row["code"], row["asset"]["name"], row["on"]) for row in findings) == [
        ("CHANGED_SIGN", "Checking", "2024-09-08"),
        ("MISSING_RATE", "Francs", "2024-09-10"),
        ("NO_VALUE", "Boat", None),
        ("POSITIVE_LIABILITY", "Loan", "2024-09-01"),
        ("POSSIBLE_DUPLICATE", "Chairs", "2024-05-20"),
        ("STALE_VALUE", "Card", "2024-06-01"),  # 101 days old; stale after 45
        ("SUSPICIOUS_JUMP", "LEGO set", "2024-09-05"),
    ]
    for finding in findings:
        assert home.client.get(finding["link"]).status_code == 200, finding

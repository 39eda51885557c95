"""Every write of every model leaves a journal entry, by whichever method of the ORM it is made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import (
    Asset,
    AssetCategory,
    AssetOrder,
    AssetSnapshot,
    AssetTag,
    AssetType,
    Category,
    Depreciation,
    ExchangeRate,
    ForgottenPortfolio,
    Growth,
    HeldQuantities,
    Instrument,
    InstrumentAction,
    InstrumentSource,
    Loan,
    LoanExtraPayment,
    LoanHoliday,
    LoanRate,
    MonthlyDeltas,
    MonthlyValues,
    PackedPrices,
    PriceBlock,
    PriceFetch,
    PriceLoad,
    PriceSource,
    PriceSourceHealth,
    RatesVersion,
    Tag,
    Transaction,
    ValuationSettings,
    ValueGap,
)
from imports.models import Import, ImportBlock, ImportedRows, ImportFile
from portfolios.models import Household, Invitation, Membership, Portfolio
from reports.models import AllocationTarget, DismissedFinding, PortfolioSnapshot
from strata.accounts.models import ApiToken, LoginCount, User
from strata.accounts.services import issue_token
from strata.audit import actor
from strata.audit.field_log import FieldLogged
from strata.audit.models import Deletion, HistoryEntry, IdempotentAnswer, JournalEntry, JournalWrite
from strata.audit.tracking import TrackedModel
from strata.db.write_format.models import DatabaseFormat
from tests.resources import RESOURCES, Place
from tests.strata_apps import APPS

pytestmark = pytest.mark.usefixtures("shared_traces")
UNTRACED = {
    JournalEntry: "is the journal",
    ForgottenPortfolio: "says that what `rebuild` makes is not there",
    JournalWrite: "is the journal",
    HistoryEntry: "is the journal, as it is read",
    HeldQuantities: "is rebuilt from the transactions by `rebuild`",
    MonthlyDeltas: "is rebuilt from the values by `rebuild`",
    MonthlyValues: "is rebuilt from the values by `rebuild`",
    ValueGap: "is rebuilt from the values by `rebuild`",
    ValuationSettings: "says with which settings `rebuild` was run",
    RatesVersion: "changes with rates, which are traced",
    PackedPrices: "is rebuilt from the blocks by `rebuild`",
    PriceFetch: "is a note of the last fetch",
    PriceSourceHealth: "is a note of the last failures",
    PriceBlock: "is never changed, and its load is traced",
    Deletion: "has what the entries of its rows, which are traced, have in common",
    DatabaseFormat: "is raised by a migration",
    IdempotentAnswer: "repeats what was answered, and is deleted when it is old",
    ImportBlock: "is what an import shows, which is traced",
    ImportFile: "is kept until its import, which is traced, is committed",
    ImportedRows: "is what an import, which is traced, has written",
    LoginCount: "counts what strangers do, and is deleted when it is old",
}
OURS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
DELETABLE = [model for model in OURS if issubclass(model, TrackedModel | FieldLogged)]
NOW = timezone.now()


class World:
    """Some rows that others need. `build(model, number)` gives a new row that is not saved yet."""

    def __init__(self, household, user):
        self.household, self.user = household, user
        self.portfolio = Portfolio.objects.create(household=household, name="World")
        self.category = Category.objects.create(household=household, name="World")
        self.tag = Tag.objects.create(household=household, name="World")
        self.asset = self.build(Asset, 0)
        self.asset.save()

    def build(self, model, n):
        ago = timedelta(days=n if isinstance(n, int) else 0)
        day, at = NOW.date() - ago, NOW - ago
        observed = {"on": day, "observed_at": at}
        tags = Tag.objects.filter(name=f"t{n}").first() or Tag(household=self.household, name=f"t{n}")
        fields = {
            User: lambda: {"username": f"user{n}"},
            ApiToken: lambda: {"user": self.user, "digest": f"d{n}", "prefix": f"strata_{n}"},
            Household: lambda: {"name": f"h{n}"},
            Membership: lambda: {"household": self.household, "user": saved(User(username=f"member{n}"))},
            Invitation: lambda: {"household": self.household, "username": f"guest{n}"},
            Portfolio: lambda: {"household": self.household, "name": f"p{n}"},
            PortfolioSnapshot: lambda: {
                "portfolio": self.portfolio,
                "value": "1",
                "currency": "EUR",
                **observed,
            },
            AllocationTarget: lambda: {
                "household": self.household,
                "currency": ("EUR", "USD", "CHF", "GBP")[n],
                "share": "0.1",
            },
            DismissedFinding: lambda: {"portfolio": self.portfolio, "key": f"k{n}", "reason": "Known."},
            InstrumentAction: lambda: {
                "household": self.household,
                "instrument": saved(
                    Instrument(household=self.household, symbol=f"i{n}", name="i", currency="EUR")
                ),
                "type": "split",
                "on": day,
                "numerator": 2,
                "denominator": 1,
            },
            PriceSource: lambda: {"name": f"s{n}", "source_type": "coingecko"},
            InstrumentSource: lambda: {
                "instrument": saved(
                    Instrument(household=self.household, symbol="X", name="x", currency="EUR")
                ),
                "source": saved(PriceSource(name=f"of {n}", source_type="coingecko")),
                "symbol": "X",
            },
            PriceLoad: lambda: {"household": self.household, "source": "x"},
            Instrument: lambda: {"household": self.household, "symbol": "X", "name": "x", "currency": "EUR"},
            Asset: lambda: {
                "portfolio": self.portfolio,
                "asset_type_id": TypeId.CHECKING_ACCOUNT,
                "name": f"a{n}",
                "currency": "EUR",
            },
            AssetCategory: lambda: {
                "asset": self.asset,
                "category": saved(Category(household=self.household, name=f"l{n}")),
            },
            AssetTag: lambda: {"asset": self.asset, "tag": saved(tags)},
            AssetOrder: lambda: {
                "portfolio": saved(Portfolio(household=self.household, name=f"ordered {n}")),
                "asset_ids": str(self.asset.pk),
            },
            AssetSnapshot: lambda: {"asset": self.asset, "value": "1.5", **observed},
            Transaction: lambda: {
                "asset": self.asset,
                "type": "INCOME",
                "amount": "1",
                "currency": "EUR",
                "on": day,
                "occurred_at": at,
            },
            ExchangeRate: lambda: {"currency": "USD", "on": day, "units_per_euro": "1.1"},
            Loan: lambda: {
                "asset": saved(self.build(Asset, f"loan {n}")),
                "principal": 1,
                "started_on": day,
                "first_payment_on": day,
                "term": 1,
            },
            LoanRate: lambda: {"asset": self.asset, "on": day, "rate": "0.04"},
            LoanExtraPayment: lambda: {"asset": self.asset, "on": day, "amount": 1},
            LoanHoliday: lambda: {"asset": self.asset, "start": day, "end": day},
            Depreciation: lambda: {
                "asset": saved(self.build(Asset, f"car {n}")),
                "cost": 1,
                "life": 1,
                "started_on": day,
            },
            Import: lambda: {
                "portfolio": self.portfolio,
                "format": "networth",
                "container": "csv",
                "file_size": 1,
                "previewed_at": at,
            },
            Growth: lambda: {"asset": saved(self.build(Asset, f"bond {n}")), "rate": "0.04"},
        }
        columns_of = fields.get(model) or self.columns_of(model, n, day)
        return model(**columns_of())

    def columns_of(self, model, n, day):
        resource = next((resource for resource in RESOURCES.values() if resource.model is model), None)
        assert resource, (
            f"Add {model.__name__} to tests/resources.py, or to the columns and CHANGED of this file."
        )
        return lambda: resource.columns(Place(self.household, self.asset, f"Row {n}", day))


def saved(row):
    row.save()
    return row


CHANGED = {
    **{resource.model: (resource.edited, "new") for resource in RESOURCES.values()},
    DismissedFinding: ("reason", "new"),
    AllocationTarget: ("share", "0.2"),
    User: ("email", "new@example.org"),
    ApiToken: ("name", "new"),
    Membership: ("role", "editor"),
    Invitation: ("role", "editor"),
    PortfolioSnapshot: ("note", "new"),
    Instrument: ("name", "new"),
    InstrumentAction: ("numerator", 3),
    PriceLoad: ("source", "new"),
    PriceSource: ("name", "new"),
    InstrumentSource: ("symbol", "NEW"),
    AssetCategory: ("category", "world"),
    AssetTag: ("tag", "world"),
    AssetOrder: ("asset_ids", ""),
    AssetSnapshot: ("value", "2.5"),
    Transaction: ("note", "new"),
    Loan: ("day_count", "act/365"),
    LoanRate: ("rate", "0.05"),
    LoanExtraPayment: ("effect", "lower"),
    LoanHoliday: ("end", NOW.date() + timedelta(days=1)),
    Depreciation: ("method", "declining"),
    Growth: ("rate", "0.05"),
    Import: ("file_name", "new"),
}


@pytest.fixture(scope="module")
def shared_traces(shared_rows, django_db_blocker):
    """`world`, made once for all tests of this module, like `shared_rows`."""
    with django_db_blocker.unblock():
        shared_rows["traces"] = World(shared_rows["household"], shared_rows["alice_user"])


@pytest.fixture
def world(shared):
    return shared["traces"]


def change_of(model, world):
    name, value = CHANGED.get(model, ("name", "new"))
    return {name: getattr(world, name) if value == "world" else value}


def by_save(model, rows, new):
    for row in rows:
        for name, value in new.items():
            setattr(row, name, value)
        row.save()


def by_update_fields(model, rows, new):
    for row in rows:
        for name, value in new.items():
            setattr(row, name, value)
        row.save(update_fields=[*new])


def by_bulk_update(model, rows, new):
    for row in rows:
        for name, value in new.items():
            setattr(row, name, value)
    model.objects.bulk_update(rows, [*new])


UPDATES = {
    "save": by_save,
    "save of one field": by_update_fields,
    "queryset.update": lambda model, rows, new: [
        model.objects.filter(pk=row.pk).update(**new) for row in rows
    ],
    "base manager": lambda model, rows, new: [
        model._base_manager.filter(pk=row.pk).update(**new) for row in rows
    ],
    "bulk_update": by_bulk_update,
    "update_or_create": lambda model, rows, new: [
        model.objects.update_or_create(pk=row.pk, defaults=new) for row in rows
    ],
}
CREATIONS = {
    "save": lambda model, rows: [row.save() for row in rows],
    "bulk_create": lambda model, rows: model.objects.bulk_create(rows),
    "base manager": lambda model, rows: model._base_manager.bulk_create(rows),
    "update_or_create": lambda model, rows: [
        model.objects.update_or_create(
            pk=row.pk,
            defaults={f.attname: getattr(row, f.attname) for f in model._meta.local_concrete_fields},
        )
        for row in rows
    ],
}
DELETIONS = {
    "delete": lambda model, rows: [row.delete() for row in rows],
    "queryset.delete": lambda model, rows: model.objects.filter(pk__in=[row.pk for row in rows]).delete(),
    "base manager": lambda model, rows: model._base_manager.filter(pk__in=[row.pk for row in rows]).delete(),
}


def ids_with_entries(action, rows):
    """Ids of the rows with a journal entry of this action, and with the writer's name, request and channel."""
    entries = HistoryEntry.objects.filter(action=action, object_id__in=[row.pk for row in rows])
    return sorted(
        entries.filter(request_id="r-1", channel="test", actor_name="alice").values_list(
            "object_id", flat=True
        )
    )


@pytest.fixture
def as_alice(alice_user):
    with actor.acting(user=alice_user, request_id="r-1", channel="test"):
        yield


def test_every_model_is_traced_or_says_why_not():
    traced = {model for model in OURS if issubclass(model, TrackedModel | FieldLogged | ExchangeRate)}
    assert traced | set(UNTRACED) == set(OURS)


# The base manager is Django's own.
ADDED_ONLY = [(ExchangeRate, write_path) for write_path in CREATIONS if write_path != "base manager"]


@pytest.mark.parametrize(
    ("model", "write_path"),
    [*((model, write_path) for model in DELETABLE for write_path in CREATIONS), *ADDED_ONLY],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_creation_leaves_an_entry(world, as_alice, model, write_path):
    rows = [world.build(model, n) for n in (1, 2)]
    CREATIONS[write_path](model, rows)
    assert ids_with_entries("create", rows) == sorted(row.pk for row in rows)


@pytest.mark.parametrize("write_path", UPDATES)
@pytest.mark.parametrize("model", DELETABLE, ids=lambda model: model.__name__)
def test_update_leaves_an_entry_with_the_former_value(world, as_alice, model, write_path):
    row = saved(world.build(model, 1))
    ((name, _),) = change_of(model, world).items()
    column = model._meta.get_field(name).attname
    before = model.objects.values_list(column, flat=True).get(pk=row.pk)
    UPDATES[write_path](model, [row], change_of(model, world))
    assert model.objects.values_list(column, flat=True).get(pk=row.pk) != before
    assert ids_with_entries("update", [row]) == [row.pk]
    image = HistoryEntry.objects.get(action="update", object_id=row.pk).before
    assert str(image[column]).replace("-", "") in {str(before).replace("-", ""), "15000"}


@pytest.mark.parametrize("write_path", DELETIONS)
@pytest.mark.parametrize("model", DELETABLE, ids=lambda model: model.__name__)
def test_deletion_leaves_an_entry(world, as_alice, model, write_path):
    rows = [saved(world.build(model, n)) for n in (1, 2)]
    DELETIONS[write_path](model, rows)
    assert not model.objects.filter(pk__in=[row.pk for row in rows]).exists()
    assert ids_with_entries("delete", rows) == sorted(row.pk for row in rows)
    assert all(
        entry.before
        for entry in HistoryEntry.objects.filter(action="delete", object_id__in=[row.pk for row in rows])
    )


@pytest.mark.parametrize("model", DELETABLE, ids=lambda model: model.__name__)
def test_upsert_is_refused(world, model):
    with pytest.raises(TypeError):
        model.objects.bulk_create(
            [world.build(model, 1)], update_conflicts=True, unique_fields=["id"], update_fields=["id"]
        )


def all_ids():
    """The ids of all rows of all deletable models."""
    return {pk for model in DELETABLE for pk in model.objects.values_list("pk", flat=True)}


def fill(world):
    """Adds rows of every model below the world's rows."""
    for model in DELETABLE:
        if model is not Household:
            saved(world.build(model, 3))
    AssetTag.objects.create(asset=world.asset, tag=world.tag)
    child = Category.objects.create(household=world.household, name="child", parent=world.category)
    AssetCategory.objects.create(asset=world.asset, category=child)
    own = AssetType.objects.get(code="ROW_3")
    Asset.objects.filter(pk=world.asset.pk).update(asset_type=own)


@pytest.mark.parametrize("write_path", DELETIONS)
@pytest.mark.parametrize("model", [Household, Portfolio, Asset, User], ids=lambda model: model.__name__)
def test_rows_deleted_by_cascade_leave_entries(world, as_alice, model, write_path):
    fill(world)
    row = {Household: world.household, Portfolio: world.portfolio, Asset: world.asset, User: world.user}[
        model
    ]
    before = all_ids()
    DELETIONS[write_path](model, [row])
    deleted_ids = before - all_ids()
    assert len(deleted_ids) > 1 and row.pk in deleted_ids
    assert (
        set(HistoryEntry.objects.filter(action="delete").values_list("object_id", flat=True)) == deleted_ids
    )


@pytest.mark.parametrize("model", [Portfolio, Asset], ids=["portfolio", "asset"])
def test_row_deleted_on_its_admin_page_leaves_entries(world, client, model):
    root = User.objects.create(username="root", is_staff=True, is_superuser=True)
    fill(world)
    row = {Portfolio: world.portfolio, Asset: world.asset}[model]
    before = all_ids()
    client.force_login(root)
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[row.pk])
    client.post(page, {"post": "yes"}, HTTP_X_REQUEST_ID="r-9")
    deleted_ids = before - all_ids()
    deleted = HistoryEntry.objects.filter(
        action="delete", actor_name="root", channel="admin", request_id="r-9"
    )
    assert len(deleted_ids) > 1 and row.pk in deleted_ids
    assert set(deleted.values_list("object_id", flat=True)) == deleted_ids


def test_secrets_are_in_no_journal_entry(alice_user):
    alice_user.set_password("first-password-1")
    alice_user.save()
    alice_user.set_password("second-password-2")
    alice_user.save()
    token, secret = issue_token(alice_user)
    token.delete()
    journal = str(list(HistoryEntry.objects.values_list("before", flat=True)))
    for secret_text in (alice_user.password, secret, token.digest, token.password_stamp):
        assert secret_text not in journal
    assert "'password': '(not shown)'" in journal


def test_login_leaves_no_entry(client, alice_user):
    client.force_login(alice_user)
    assert alice_user.last_login
    assert not HistoryEntry.objects.filter(object_id=alice_user.pk, action="update").exists()


def test_failed_write_leaves_no_entry(household, monkeypatch):
    before = HistoryEntry.objects.count()
    monkeypatch.setattr(models.Model, "save_base", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        household.save()
    assert HistoryEntry.objects.count() == before

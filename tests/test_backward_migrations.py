"""A migration is not reversed over rows that the former version would misread: it says what to do first."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from assets.models import ForgottenPortfolio, PriceLoad
from strata.audit.models import Deletion

pytestmark = pytest.mark.usefixtures("shared_rows")


def add_deletion(**values):
    columns = {"model": "assets.Asset", "object_id": uuid4(), "holder_id": uuid4(), "at": timezone.now()}
    return Deletion.objects.create(**columns | values)


def reverse_first_operation(name: str) -> None:
    editor = SimpleNamespace(connection=connection)  # a real one of SQLite does not open in a transaction
    import_module(name).Migration.operations[-1].reverse_code(apps, editor)


def test_deletion_that_is_not_finished_is_finished_first():
    deletion = add_deletion()
    with pytest.raises(CommandError, match="1 rows of Deletion are left. Run finish_deletions first"):
        reverse_first_operation("strata.migrations.0017_deletions_in_steps")
    reverse_first_operation("strata.migrations.0018_households_written_in_steps")
    Deletion.objects.filter(pk=deletion.pk).update(finished_at=timezone.now())
    reverse_first_operation("strata.migrations.0017_deletions_in_steps")


def test_household_that_is_being_restored_is_waited_for():
    add_deletion(written_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(CommandError, match="Wait until the restoration ends"):
        reverse_first_operation("strata.migrations.0018_households_written_in_steps")


def test_forgotten_portfolio_is_rebuilt_first(portfolio):
    forgotten = ForgottenPortfolio.objects.create(portfolio=portfolio)
    with pytest.raises(CommandError, match="Run rebuild first"):
        reverse_first_operation("assets.migrations.0044_forgotten_portfolios")
    forgotten.delete()
    reverse_first_operation("assets.migrations.0044_forgotten_portfolios")


def test_withdrawn_prices_would_count_again(household):
    load = PriceLoad.objects.create(household=household, source="x")
    reverse_first_operation("assets.migrations.0046_withdrawn_price_loads")
    PriceLoad.objects.filter(pk=load.pk).update(withdrawn_at=timezone.now())
    with pytest.raises(CommandError, match="1 rows of PriceLoad are left. Their prices would count again"):
        reverse_first_operation("assets.migrations.0046_withdrawn_price_loads")

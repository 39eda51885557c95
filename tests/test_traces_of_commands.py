"""What a command writes leaves journal entries too, with the command's name and the instant of the rows."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from assets.classification.seeds import TypeId
from assets.models import ExchangeRate
from strata.audit.models import HistoryEntry
from strata.audit.tracking import TrackedModel
from tests.test_traces import DELETABLE

SHARED = list(TypeId)  # rows of a migration, without a journal entry


def creation_times(model):
    """For each row: when it became known by its own field, and by its journal entry."""
    creations = HistoryEntry.objects.filter(model=model._meta.label, action="create")
    return (
        dict(model.objects.exclude(pk__in=SHARED).values_list("pk", model.known_since or "created_at")),
        dict(creations.values_list("object_id", "at")),
    )


@pytest.mark.parametrize(
    "command",
    [
        ("demo", {}),
        ("seed_benchmark", {"households": 1, "assets": 3, "snapshots": 4}),
    ],
    ids=lambda command: command[0],
)
def test_rows_of_a_command_are_known_since_their_journal_entry(db, command):
    call_command(command[0], verbosity=0, **command[1])
    for model in DELETABLE:
        if issubclass(model, TrackedModel):
            by_row, by_entry = creation_times(model)
            assert by_row == by_entry, model
    channels = set(HistoryEntry.objects.values_list("channel", flat=True))
    assert channels == {f"command:{command[0]}"}


def test_load_rates_leaves_one_entry_with_the_instant_of_all_rates(db, tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("currency,on,units_per_euro\nUSD,2026-01-01,1.1\nUSD,2026-01-02,1.2\n")
    call_command("load_rates", str(path), verbosity=0)
    (entry,) = HistoryEntry.objects.filter(model="assets.ExchangeRate")
    assert (entry.action, entry.channel) == ("create", "command:load_rates")
    assert {entry.at} == set(ExchangeRate.objects.filter(lasting=False).values_list("recorded_at", flat=True))

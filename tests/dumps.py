"""All rows of households as the database has them, to compare one state with another."""

from __future__ import annotations

import json

from django.apps import apps

from strata.audit.recording import row_image
from strata.audit.tracking import TrackedModel

NOT_COMPARED = {"updated_at", "updated_by_id", "revision"}  # who wrote a row last, and what counts its writes


def dump(household=None) -> dict:
    """The content of each tracked row, by model and id; of one household or of all."""
    rows = {}
    for model in apps.get_models():
        if not issubclass(model, TrackedModel):
            continue
        stored = model._base_manager.order_by("pk")
        if household is not None:
            stored = stored.filter(**{model.household_lookup or "pk": household.pk})
        for pk, image in stored.values_list("pk", row_image(model)):
            image = json.loads(image) if isinstance(image, str) else image
            rows[model._meta.label, str(pk)] = {
                name: value for name, value in image.items() if name not in NOT_COMPARED
            }
    return rows

"""The field for the household of a new row."""

from __future__ import annotations

from typing import Any

from strata.api.fields import UUIDSerializerField

STAYS_IN_ITS_HOUSEHOLD = "It stays in its household."


# Django's CharField lets a blank one be "": the API has null for none.
LOT_METHOD = {"lot_method": {"required": False, "allow_null": True, "allow_blank": False}}


class HouseholdId(UUIDSerializerField):
    """The household of a new row: by default the oldest one that the caller owns."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, **kwargs})

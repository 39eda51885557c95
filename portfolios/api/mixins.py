"""Views of rows that a household has."""

from __future__ import annotations

from portfolios.households import first_household
from strata.api.viewsets import require_role


class InHousehold:
    """Made in the household that `household_id` names, else in the oldest one that the caller owns."""

    def write(self, serializer, **given):
        if serializer.instance is None:
            household = serializer.validated_data.pop("household", None)
            household = household or first_household(self.request.user)
            require_role(self.request.user, household.pk, self.writers)
            given["household"] = household
        return super().write(serializer, **given)

"""The mixin for viewsets of a household's rows."""

from __future__ import annotations

from portfolios.models import Household
from portfolios.services.households import first_household
from strata.db.retry import Restart
from strata.tenancy.roles import require_role


class InHousehold:
    """A new row goes to the household that `household_id` names, else to the oldest one that the caller owns."""

    where_created = "In the household that `household_id` names, else in the oldest one that the caller owns."
    default_household = None

    def named_by_body(self, *, creating):
        named = super().named_by_body(creating=creating)
        if creating and self.needs_default(named):
            user = self.request.user
            self.default_household = first_household(user)
            named["household"] = Household.objects.for_user(user).filter(pk=self.default_household.pk)
        return named

    def needs_default(self, named) -> bool:
        return isinstance(self.request.data, dict) and self.request.data.get("household_id") is None

    def lock(self, rows=None):
        guards = super().lock(rows)
        if self.default_household and not guards.have(guards.households, self.default_household.pk):
            raise Restart("the household was deleted")
        return guards

    def write(self, serializer, **given):
        if serializer.instance is None:
            household = serializer.validated_data.pop("household", None) or self.default_household
            require_role(self.request.user, household.pk, self.writers)
            given["household"] = household
        return super().write(serializer, **given)

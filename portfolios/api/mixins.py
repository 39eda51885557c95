"""The mixin for viewsets of a household's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rest_framework.request import Request

from portfolios.models import Household
from portfolios.services.households import first_household
from strata.accounts.models import User
from strata.api.viewsets import HouseholdViewSet
from strata.db.retry import Restart
from strata.tenancy.guards import Guards
from strata.tenancy.roles import require_role

if TYPE_CHECKING:
    _View = HouseholdViewSet
else:
    _View = object  # it stands before the viewset among a view's bases


def caller(request: Request) -> User:
    """Who asks. Whoever is not logged in reaches no view of a household."""
    return cast("User", request.user)


class HouseholdScopedMixin(_View):
    """A new row goes to the household that `household_id` names, else to the oldest one that the caller owns."""

    where_created = "In the household that `household_id` names, else in the oldest one that the caller owns."
    default_household: Household | None = None

    def named_by_body(self, *, creating: bool) -> dict[str, Any]:
        named = super().named_by_body(creating=creating)
        if creating and self.needs_default(named):
            user = caller(self.request)
            self.default_household = first_household(user)
            named["household"] = Household.objects.for_user(user).filter(pk=self.default_household.pk)
        return named

    def needs_default(self, named: dict[str, Any]) -> bool:
        return isinstance(self.request.data, dict) and self.request.data.get("household_id") is None

    def lock(self, rows: Any = None) -> Guards:
        guards = super().lock(rows)
        if self.default_household and not guards.have(guards.households, self.default_household.pk):
            raise Restart("the household was deleted")
        return guards

    def save_serializer(self, serializer: Any, **given: Any) -> Any:
        if serializer.instance is None:
            named = serializer.validated_data.pop("household", None) or self.default_household
            household = cast("Household", named)  # where the body names none, named_by_body has found it
            require_role(self.request.user, household.pk, self.write_roles)
            given["household"] = household
        return super().save_serializer(serializer, **given)

"""The mixin for viewsets of a household's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from rest_framework.request import Request

from portfolios.models import Household
from portfolios.services.households import first_household
from strata.accounts.models import User
from strata.api.viewsets import HouseholdViewSet
from strata.db.retry import Restart
from strata.exceptions import Forbidden, NotFound
from strata.tenancy.querysets import Owned, require_visible

if TYPE_CHECKING:
    _View = HouseholdViewSet
else:
    _View = object  # it comes before the viewset among a view's bases


def caller(request: Request) -> User:
    """Who asks. Whoever is not logged in reaches no view of a household."""
    return cast("User", request.user)


class HouseholdScopedMixin(_View):
    """A new row goes to the household that `household_id` names, else to the oldest one that the caller owns.

    To a demo household only where there is no other. Where the serializer lets `household_id` be null, null makes a row
    that all households share. Superusers may.
    """

    def create_row(self, values: dict[str, Any]) -> Any:
        if "household_id" in values and values["household_id"] is None:
            return self.create_shared_row(values)
        named: UUID | None = values.pop("household_id", None)
        if named is not None:
            require_visible(Household, caller(self.request), named)
        household_id = named or self.default_household_id(values)
        try:
            return self.service.create(household_id, **values, precondition=self.household_precondition)
        except NotFound as error:
            if named is None and error.resource == "household":
                raise Restart("the default household was deleted") from error
            raise

    def create_shared_row(self, values: dict[str, Any]) -> Any:
        if not caller(self.request).is_superuser:
            raise Forbidden("Only superusers make what all households share.")
        del values["household_id"]
        return self.service.create(None, **values)

    def default_household_id(self, values: dict[str, Any]) -> UUID:
        return first_household(caller(self.request)).pk

    def household_precondition(self, household: Owned) -> None:
        self.require_write_role(household, "household")

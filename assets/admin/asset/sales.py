"""The actions of the list of assets: mark as sold today, and undo the sale."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.models import Asset, Transaction
from assets.services.entries import disposal
from strata.admin.accounts.households import HouseholdAdmin
from strata.admin.actions import counted, shown_refusals
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.tenancy.guards import read_locked
from strata.tenancy.roles import EDITORS

if TYPE_CHECKING:
    _Page = HouseholdAdmin
else:
    _Page = object  # the mixin comes before the page among its bases


class SaleActions(_Page):
    @admin.action(description=_("Mark as sold today"), permissions=("change",))
    def dispose_of(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, disposal.dispose, gettext("Marked as sold today"))

    @admin.action(description=_("Undo sale"), permissions=("change",))
    def reinstate(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, disposal.reinstate, gettext("Sale undone"))

    def what_dispose_of_does(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        chosen = self._changeable(request, queryset)
        owned = chosen.filter(disposed_on=None)
        return [
            gettext("Marks %(assets)s as sold today, without proceeds: from today on they count nothing.")
            % {"assets": counted(owned.count(), Asset)},
            gettext("Leaves %(assets)s alone that are sold already.")
            % {"assets": counted(chosen.count() - owned.count(), Asset)},
            *self._what_is_left_out(queryset, chosen),
        ]

    def what_reinstate_does(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        chosen = self._changeable(request, queryset)
        disposed = chosen.exclude(disposed_on=None)
        sales = Transaction.objects.filter(
            asset__in=disposed.order_by().values("pk"), **disposal.OF_A_DISPOSAL
        )
        return [
            gettext("Undoes the sale of %(assets)s: from its day on they count again.")
            % {"assets": counted(disposed.count(), Asset)},
            gettext("Deletes %(transactions)s that recorded what the sales brought.")
            % {"transactions": counted(sales.count(), Transaction)},
            gettext("Leaves %(assets)s alone that are not sold.")
            % {"assets": counted(chosen.count() - disposed.count(), Asset)},
            *self._what_is_left_out(queryset, chosen),
        ]

    def _what_is_left_out(self, queryset: QuerySet[Any], chosen: Any) -> list[str]:
        rest = queryset.count() - chosen.count()
        text = gettext("Leaves out %(assets)s that you may only see.")
        return [text % {"assets": counted(rest, Asset)}] if rest else []

    def _changeable(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset if request.user.is_superuser else queryset.for_user(request.user, EDITORS)

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Any], act: Callable[[UUID], Any], done: str
    ) -> None:
        """Call `act` with each chosen asset that the caller may change; all of them are locked."""
        chosen = self._changeable(request, queryset)

        def try_each() -> list[str | None]:
            return [error_of(act, asset) for asset in read_locked(chosen)]

        outcomes = run_in_transaction(try_each)
        refused = [message for message in outcomes if message]
        for message in shown_refusals(refused):
            self.message_user(request, message, messages.ERROR)
        counts = {"done": done, "count": len(outcomes) - len(refused), "all": queryset.count()}
        self.message_user(request, gettext("%(done)s: %(count)s of %(all)s.") % counts)


def error_of(act: Callable[[UUID], Any], asset: Asset) -> str | None:
    """Why the action was refused; None if it was done. A refused action has written nothing."""
    try:
        with transaction.atomic():
            act(asset.pk)
    except ValidationError as error:
        return f"{asset}: {' '.join(error.messages)}"
    except StrataError as refusal:
        return f"{asset}: {refusal.message}"
    return None

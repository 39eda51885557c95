"""Pages that change an asset, beside its form: which asset each is about, one that the user may change."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views import View

from assets.models import Asset
from strata.exceptions import StrataError
from strata.tenancy.roles import require_role


def editable_asset(request: HttpRequest, pk: UUID) -> Asset:
    """404 for an asset that the user may not see, 403 for one that they may only see."""
    user: Any = request.user
    rows = Asset.objects.select_related("portfolio", "asset_type")
    asset = (rows if user.is_superuser else rows.for_user(user)).filter(pk=pk).first()
    if asset is None:
        raise Http404
    try:
        require_editor(request, asset)
    except StrataError as refusal:
        raise PermissionDenied from refusal
    return asset


def require_editor(request: HttpRequest, asset: Any) -> None:
    """Raises Forbidden. With the asset locked it is the precondition of a service."""
    user: Any = request.user
    if not user.is_superuser:
        require_role(user, asset.portfolio.household_id)


class AssetEditingPage(View):
    """The base of a page of an asset, with the asset."""

    http_method_names = ["get", "post", "head", "options"]
    asset: Asset

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.asset = editable_asset(request, kwargs["pk"])
        return cast("HttpResponse", super().dispatch(request, *args, **kwargs))

"""The addresses of the admin's pages, each with a row to show."""

from __future__ import annotations

from django.contrib import admin

from assets.models import Asset, Instrument
from assets.models.asset import Valuation
from portfolios.models import Portfolio
from strata.accounts.models import User
from tests.admin_forms import url
from tests.sample_rows import sample_rows


def pages_of_the_admin(root: User) -> list[str]:
    """All pages of a superuser; some answer 403, because nobody deletes a rate or adds to the journal."""
    rows = sample_rows("Sample", user=root)
    pages = ["/admin/", "/admin/settings/", "/admin/password_change/"]
    pages += ["/admin/update-values/", "/admin/statement/", "/admin/trade/", "/admin/performance/"]
    pages += ["/admin/import/"]
    for model in admin.site._registry:
        pages += [url(model), url(model, "add")]
        pages += [url(model, name, rows[model].pk) for name in ("change", "delete", "history")]
    pages += [f"{url(Asset, 'terms', rows[Asset].pk)}?valuation={way}" for way in Valuation.values]
    pages += [url(Asset, "transfer", rows[Asset].pk), url(Instrument, "price", rows[Instrument].pk)]
    return [*pages, url(Portfolio, "quality", rows[Portfolio].pk)]

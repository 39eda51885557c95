"""All URLs: the API, the admin and Swagger."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, include, path, re_path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView, View
from drf_spectacular.views import SpectacularSwaggerSplitView

from archives.admin.views import ArchivesPage, HouseholdArchiveFile
from archives.api.archives import ArchivesView, HouseholdArchiveView
from assets.admin.asset.shares import save_shares
from assets.admin.trade import TradePage
from assets.api import asset_types, assets, categories, exchange_rates, tags
from assets.api.asset import order as asset_order
from assets.api.asset import terms
from assets.api.entries import all_entries, day_values, snapshots, transaction_batches, transactions
from assets.api.instruments import actions, instruments, price_batches, price_sources, prices
from demo.views import explore_demo
from imports.admin.views import ImportFilePage, ImportPreviewPage
from imports.api.imports import ImportViewSet
from portfolios.api import households, members
from reports.api import (
    allocation_targets,
    exports,
    findings,
    portfolio_snapshots,
    portfolios,
    summary,
    value_batches,
)
from reports.api import chart_views as charts
from reports.api import views as reports
from reports.api.asset import asset_charts, asset_series
from reports.api.investments import charts as investment_charts
from reports.api.investments import views as investments
from reports.performance.view import PerformancePage
from reports.statement.pdf_page import StatementPdfPage
from reports.statement.pdf_view import PortfolioStatementPdf, StatementPdf
from reports.statement.view import StatementPage
from reports.update_values.one_value import save_value
from reports.update_values.view import UpdateValuesPage
from reports.welcome import view as welcome
from strata.accounts import views as accounts
from strata.admin.accounts.login_forms import OwnPasswordView
from strata.admin.palette import palette
from strata.admin.undo import undo_view
from strata.admin.user_formats.my_settings import my_settings
from strata.api.routers import EitherSlashRouter
from strata.api.routes import RoutesView, SchemaView
from strata.api.undo import UndoView
from strata.server import health

router = EitherSlashRouter()
router.register("households", households.HouseholdsViewSet, "household")
router.register(r"households/(?P<household_id>[^/]+)/members", members.MemberViewSet, "member")
router.register(
    r"households/(?P<household_id>[^/]+)/invitations",
    members.HouseholdInvitationViewSet,
    "household-invitation",
)
router.register("invitations", members.InvitationViewSet, "invitation")
router.register("portfolios", portfolios.PortfolioViewSet, "portfolio")
router.register(
    r"portfolios/(?P<portfolio_id>[^/]+)/snapshots",
    portfolio_snapshots.PortfolioSnapshotViewSet,
    "portfolio-snapshot",
)
router.register("allocation-targets", allocation_targets.AllocationTargetViewSet, "allocation-target")
router.register("assets", assets.AssetViewSet, "asset")
router.register(r"assets/(?P<asset_id>[^/]+)/snapshots", snapshots.AssetSnapshotViewSet, "asset-snapshot")
router.register(r"assets/(?P<asset_id>[^/]+)/transactions", transactions.TransactionViewSet, "transaction")
router.register("values", all_entries.AllValuesViewSet, "recorded-value")
router.register("transactions", all_entries.AllTransactionsViewSet, "recorded-transaction")
router.register("asset-types", asset_types.AssetTypeViewSet, "asset-type")
router.register("instruments", instruments.InstrumentViewSet, "instrument")
router.register(
    r"instruments/(?P<instrument_id>[^/]+)/actions", actions.InstrumentActionViewSet, "instrument-action"
)
router.register(r"instruments/(?P<instrument_id>[^/]+)/prices", prices.PriceViewSet, "instrument-price")
router.register("price-sources", price_sources.PriceSourceViewSet, "price-source")
router.register("categories", categories.CategoryViewSet, "category")
router.register("tags", tags.TagViewSet, "tag")
router.register("exchange-rates", exchange_rates.ExchangeRateViewSet, "exchange-rate")
router.register("imports", ImportViewSet, "import")
router.register("auth/tokens", accounts.TokenViewSet, "token")


def report(name: str, view: type[View]) -> URLPattern:
    return re_path(rf"^{literally(name)}/?$", view.as_view(), name=name.replace("/", "-"))


def of_portfolio(name: str, view: type[View]) -> URLPattern:
    path = rf"^portfolios/(?P<pk>[^/]+)/{literally(name)}/?$"
    return re_path(path, view.as_view(), name=f"portfolio-{name.replace('/', '-')}")


def of_asset(name: str, view: type[View]) -> URLPattern:
    path = rf"^assets/(?P<pk>[^/]+)/{literally(name)}/?$"
    return re_path(path, view.as_view(), name=f"asset-{name.replace('/', '-')}")


def literally(name: str) -> str:
    return name.replace(".", r"\.")


api = [
    path("", RoutesView.as_view(), name="routes"),
    re_path(r"^auth/token/?$", accounts.LoginView.as_view(), name="login"),
    re_path(r"^me/?$", accounts.MeView.as_view(), name="me"),
    re_path(r"^me/summary/?$", summary.SummaryView.as_view(), name="me-summary"),
    re_path(r"^me/password/?$", accounts.PasswordView.as_view(), name="password"),
    re_path(r"^undo/(?P<request_id>[^/]+)/?$", UndoView.as_view(), name="undo"),
    re_path(r"^health/live/?$", health.live, name="live"),
    re_path(r"^health/ready/?$", health.ready, name="ready"),
    re_path(r"^version/?$", health.version, name="version"),
    re_path(r"^openapi\.json/?$", SchemaView.as_view(throttle_classes=()), name="openapi"),
    re_path(r"^net-worth/?$", reports.NetWorthView.as_view(), name="net-worth"),
    re_path(r"^net-worth/change/?$", reports.ChangeView.as_view(), name="change"),
    re_path(
        r"^assets/(?P<asset_id>[^/]+)/values/(?P<on>[^/]+)/?$",
        day_values.DayValueViewSet.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="asset-value",
    ),
    re_path(
        r"^assets/(?P<pk>[^/]+)/chart\.svg/?$", asset_charts.AssetValueSvg.as_view(), name="asset-chart.svg"
    ),
    re_path(
        r"^assets/(?P<pk>[^/]+)/chart\.png/?$", asset_charts.AssetValuePng.as_view(), name="asset-chart.png"
    ),
    re_path(r"^assets/(?P<pk>[^/]+)/values/?$", asset_series.AssetValuesView.as_view(), name="asset-values"),
    re_path(r"^assets/(?P<pk>[^/]+)/schedule/?$", asset_series.ScheduleView.as_view(), name="asset-schedule"),
    re_path(r"^assets/(?P<pk>[^/]+)/terms/?$", terms.TermsView.as_view(), name="asset-terms"),
    re_path(r"^values:batch/?$", value_batches.ValueBatchView.as_view(), name="value-batch"),
    re_path(
        r"^transactions:batch/?$",
        transaction_batches.TransactionBatchView.as_view(),
        name="transaction-batch",
    ),
    re_path(
        r"^instruments/(?P<instrument_id>[^/]+)/sources/?$",
        price_sources.InstrumentSourcesView.as_view(),
        name="instrument-sources",
    ),
    re_path(
        r"^instruments/(?P<instrument_id>[^/]+)/fetch/?$",
        price_sources.FetchView.as_view(),
        name="instrument-fetch",
    ),
    re_path(r"^prices:batch/?$", price_batches.PriceBatchView.as_view(), name="price-batch"),
    re_path(r"^allocation/?$", reports.AllocationView.as_view(), name="allocation"),
    of_portfolio("asset-order", asset_order.AssetOrderView),
    of_portfolio("net-worth", reports.PortfolioNetWorthView),
    of_portfolio("allocation", reports.PortfolioAllocationView),
    of_portfolio("change", reports.PortfolioChangeView),
    of_portfolio("quality", reports.PortfolioQualityView),
    of_portfolio("export", exports.PortfolioExportView),
    report("net-worth/statement.pdf", StatementPdf),
    of_portfolio("statement.pdf", PortfolioStatementPdf),
    re_path(
        r"^portfolios/(?P<pk>[^/]+)/quality/(?P<key>[^/]+)/?$",
        findings.PortfolioFindingView.as_view(),
        name="portfolio-finding",
    ),
    report("lots", investments.LotsView),
    report("realised-gains", investments.RealisedGainsView),
    report("income", investments.IncomeView),
    report("performance", investments.PerformanceView),
    of_portfolio("income", investments.PortfolioIncomeView),
    of_portfolio("performance", investments.PortfolioPerformanceView),
    of_asset("lots", investments.AssetLotsView),
    of_asset("holding", investments.AssetHoldingView),
    of_asset("performance", investments.AssetPerformanceView),
    report("performance/chart.svg", investment_charts.PerformanceSvg),
    report("performance/chart.png", investment_charts.PerformancePng),
    report("income/chart.svg", investment_charts.IncomeSvg),
    report("income/chart.png", investment_charts.IncomePng),
    of_portfolio("performance/chart.svg", investment_charts.PortfolioPerformanceSvg),
    of_portfolio("performance/chart.png", investment_charts.PortfolioPerformancePng),
    of_portfolio("income/chart.svg", investment_charts.PortfolioIncomeSvg),
    of_portfolio("income/chart.png", investment_charts.PortfolioIncomePng),
    report("net-worth/chart.svg", charts.NetWorthSvg),
    report("net-worth/chart.png", charts.NetWorthPng),
    report("allocation/chart.svg", charts.AllocationSvg),
    report("allocation/chart.png", charts.AllocationPng),
    of_portfolio("net-worth/chart.svg", charts.PortfolioNetWorthSvg),
    of_portfolio("net-worth/chart.png", charts.PortfolioNetWorthPng),
    of_portfolio("allocation/chart.svg", charts.PortfolioAllocationSvg),
    of_portfolio("allocation/chart.png", charts.PortfolioAllocationPng),
    re_path(
        r"^households/(?P<pk>[^/]+)/archive/?$", HouseholdArchiveView.as_view(), name="household-archive"
    ),
    re_path(r"^archives/?$", ArchivesView.as_view(), name="archive-list"),
    *router.urls,
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("favicon.ico", RedirectView.as_view(url=static("strata/icon.svg")), name="icon"),
    path("api/v1/", include(api)),
    re_path(
        r"^swagger/?$",
        require_safe(SpectacularSwaggerSplitView.as_view(url_name="openapi", throttle_classes=())),
        name="swagger",
    ),
    path("admin/password_change/", admin.site.admin_view(OwnPasswordView.as_view()), name="own-password"),
    path("admin/welcome/", admin.site.admin_view(welcome.create), name="welcome"),
    path("admin/demo/", admin.site.admin_view(explore_demo), name="explore-demo"),
    path("admin/undo/<str:request_id>/", admin.site.admin_view(undo_view), name="undo-in-admin"),
    path("admin/settings/", admin.site.admin_view(my_settings), name="my-settings"),
    path("admin/search/", admin.site.admin_view(palette), name="palette"),
    path("admin/update-values/", admin.site.admin_view(UpdateValuesPage.as_view()), name="update-values"),
    path("admin/import/", admin.site.admin_view(ImportFilePage.as_view()), name="import-file"),
    path(
        "admin/import/<uuid:pk>/", admin.site.admin_view(ImportPreviewPage.as_view()), name="import-preview"
    ),
    path("admin/archives/", admin.site.admin_view(ArchivesPage.as_view()), name="archives-page"),
    path(
        "admin/households/<uuid:pk>/archive/",
        admin.site.admin_view(HouseholdArchiveFile.as_view()),
        name="archive-file",
    ),
    path("admin/trade/", admin.site.admin_view(TradePage.as_view()), name="trade"),
    path("admin/performance/", admin.site.admin_view(PerformancePage.as_view()), name="performance-page"),
    path("admin/statement/", admin.site.admin_view(StatementPage.as_view()), name="statement"),
    path(
        "admin/statement/<uuid:pk>/pdf/",
        admin.site.admin_view(StatementPdfPage.as_view()),
        name="statement-pdf",
    ),
    path("admin/assets/asset/<uuid:pk>/value/", admin.site.admin_view(save_value), name="save-value"),
    path("admin/assets/asset/<uuid:pk>/shares/", admin.site.admin_view(save_shares), name="save-shares"),
    path("admin/", admin.site.urls),
]

handler400 = "strata.server.error_pages.bad_request"
handler403 = "strata.server.error_pages.forbidden"
handler404 = "strata.server.error_pages.page_not_found"
handler500 = "strata.server.error_pages.server_error"

"""Strata's apps, without those of other packages, for tests that go through all models, commands or pages."""

APPS = ("strata", "portfolios", "assets", "reports", "imports", "archives", "demo")

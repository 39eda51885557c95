"""Strata's own apps, for tests that go through all models, commands or pages."""

APPS = ("strata", "portfolios", "assets", "reports", "demo")

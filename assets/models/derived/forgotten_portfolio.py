"""ForgottenPortfolio: a portfolio whose derived data was deleted, and is not there before it is derived again."""

from __future__ import annotations

from django.db import models

from portfolios.models import Portfolio
from strata.tenancy.querysets import Owned


class ForgottenPortfolio(Owned):
    """As long as the row is there, no report reads the derived tables for the portfolio, whatever they hold.

    Writes update the tables as usual; that does not make them complete. Every statement that reads them for a report
    looks for this row too, so that no answer is made of tables that are emptied meanwhile.
    """

    belongs_to = "portfolio"
    is_derived = True

    portfolio = models.OneToOneField(Portfolio, on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.portfolio_id)

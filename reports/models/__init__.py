"""What is written down of totals, and what is aimed at."""

from reports.models.allocation_target import AllocationTarget
from reports.models.portfolio_snapshot import PortfolioSnapshot

__all__ = ["AllocationTarget", "PortfolioSnapshot"]

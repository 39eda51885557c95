"""What is stored of reports: totals, targets, and findings that were dismissed."""

from reports.models.allocation_target import AllocationTarget
from reports.models.dismissed_finding import DismissedFinding
from reports.models.portfolio_snapshot import PortfolioSnapshot

__all__ = ["AllocationTarget", "DismissedFinding", "PortfolioSnapshot"]

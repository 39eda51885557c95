"""The models of reports: stored totals, targets, and dismissed findings."""

from reports.models.allocation_target import AllocationTarget
from reports.models.dismissed_finding import DismissedFinding
from reports.models.portfolio_snapshot import PortfolioSnapshot

__all__ = ["AllocationTarget", "DismissedFinding", "PortfolioSnapshot"]

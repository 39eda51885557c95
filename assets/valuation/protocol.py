"""What values are made of, wherever they come from."""

from __future__ import annotations

from array import array
from datetime import date
from uuid import UUID

type Month = tuple[UUID, date]  # of an asset, by its first day
type Values = tuple[UUID, tuple[date, ...], array]  # an asset, its days, the last value of each

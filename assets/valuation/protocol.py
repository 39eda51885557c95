"""Types for the values of assets and for the column in which an asset counts; the same for every value source."""

from __future__ import annotations

from array import array
from datetime import date
from uuid import UUID

type Place = tuple[UUID, int, date | None]  # an asset, the number of the column it counts in, its disposal
type Month = tuple[UUID, date]  # of an asset, by its first day
type Values = tuple[UUID, tuple[date, ...], array[int]]  # an asset, its days, the last value of each

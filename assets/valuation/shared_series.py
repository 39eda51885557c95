"""Value series that are read once for several reports about the same assets and days."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from uuid import UUID

from assets.valuation.reading import AssetRef, value_series
from assets.valuation.series import ValueSeries


class SharedSeries:
    """A SeriesReader. It keeps the series from `start` to `end` for reports up to this end, and reads any others.

    With `reported_in` it keeps of an asset in this currency only what value_series reads for it: enough for the values
    on `start` and on `end`, and for a report of the change between the two. All series are in memory at once.
    """

    def __init__(self, start: date, end: date, *, reported_in: str | None = None) -> None:
        self._start, self._end, self._reported_in = start, end, reported_in
        self._series: dict[UUID, ValueSeries] = {}

    def __call__(
        self, assets: Collection[AssetRef], *, start: date, end: date, reported_in: str | None = None
    ) -> Iterator[tuple[AssetRef, ValueSeries]]:
        if not self._has(start, end, reported_in):
            return value_series(assets, start=start, end=end, reported_in=reported_in)
        self._read([asset for asset in assets if asset.id not in self._series])
        return ((asset, self._series[asset.id]) for asset in assets)

    def _has(self, start: date, end: date, reported_in: str | None) -> bool:
        if self._reported_in is None:
            return self._start <= start and end == self._end
        return (start, end, reported_in) == (self._start, self._end, self._reported_in)

    def _read(self, assets: Collection[AssetRef]) -> None:
        if assets:
            read = value_series(assets, start=self._start, end=self._end, reported_in=self._reported_in)
            self._series |= {asset.id: series for asset, series in read}

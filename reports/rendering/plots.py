"""Pictures of net worth and of allocation: frozen values in, the bytes of an SVG or PNG out. The same input gives the
same bytes.

A "theme" is a set of colours, light or dark. Amounts become floats only for drawing; none goes back into a sum.
Names in a picture come from users: they are shortened, never read as formulas, and invisible characters are left out.
matplotlib takes 60 MiB and is loaded with the first picture, so that workers that draw nothing do not need it.
"""

from __future__ import annotations

import gc
import io
from bisect import bisect
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from django.utils import translation
from django.utils.translation import gettext, gettext_lazy, ngettext

from assets.valuation.series import Missing
from reports.calculations.allocation import Allocation
from reports.calculations.net_worth import Point
from reports.calculations.real_terms import RealTerms
from reports.rendering import fonts
from reports.rendering.palette import OTHER_COLOUR, PALETTE
from reports.rendering.ticks import tick_labels
from strata.fields.active_formats import day_text, in_active_format, months
from strata.fields.date_formats import MONTHS
from strata.fields.number_formats import NO_BREAK_SPACE
from strata.text import short

type Labels = Mapping[Hashable, str]
type Band = tuple[str, list[float], str]
type Entry = tuple[str, str, str]  # name, colour, and shape: a patch, an area, a line, or a marker

WIDTHS, HEIGHTS = range(320, 2001), range(200, 1501)
PIXELS_PER_INCH = 96
MARGIN, NARROW_MARGIN = 0.1, 0.06  # inches around the drawing
NO_FONT, UNGROUPED = gettext_lazy("No font here for some letters."), gettext_lazy("not in any")
MAGNITUDES = (
    (1e13, 1e12, gettext_lazy("trillion")),
    (1e10, 1e9, gettext_lazy("billion")),
    (1e7, 1e6, gettext_lazy("million")),
)
# matplotlib caches fonts for each thread that draws: a single drawing thread halves the memory of a busy worker.
_drawer = ThreadPoolExecutor(1, "plots")


@dataclass(frozen=True, slots=True)
class Theme:
    ground: str
    ink: str
    faint: str
    net: str
    owned: str
    owed: str


THEMES = {
    "light": Theme("#ffffff", "#1f2937", "#d1d5db", "#6d28d9", "#0d9488", "#dc2626"),
    "dark": Theme("#111827", "#e5e7eb", "#374151", "#c4b5fd", "#2dd4bf", "#f87171"),
}
PATCH, AREA = "patch", "area"
THIN = 0.35  # the opacity of an area


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """The format, colours and size of the picture; sizes are in pixels, for an SVG as a browser shows it."""

    format: Literal["svg", "png"] = "svg"
    theme: Literal["light", "dark"] = "light"
    width: int = 960
    height: int = 480

    @property
    def most_groups(self) -> int:
        return len(PALETTE) if self.height >= 360 else 4

    @property
    def label_length(self) -> int:
        return max(10, self.width // 32)


# --- the two pictures ---


def net_worth_plot(
    points: Sequence[Point],
    *,
    currency: str,
    title: str = "",
    labels: Labels | None = None,
    overlap: bool = False,
    real: RealTerms | None = None,
    options: ChartOptions = ChartOptions(),
) -> bytes:
    """Net worth as a line, over what is owned (above zero) and what is owed (below).

    `points` has at least one, or none because of `real`: the line has gaps where its index is unknown. With `labels`
    the points' groups are drawn instead of the two sides: stacked, or as lines if they `overlap`, because they would
    then add up to more than the total.
    """
    missing = [gap for point in points for gap in point.missing_rates]
    days_without = sum(not point.complete for point in points)
    note = _completeness(missing, days_without, len(points))
    points = _thinned(points, options.width)
    days = [point.on for point in points]
    net = [float(point.net) for point in points]
    runs = _runs(days, real)

    def draw(axes: Any, theme: Theme) -> None:
        bands = _sides(points, theme) if labels is None else _groups(points, labels, options)
        lines = overlap and labels is not None
        for run in runs:
            of_run = [(name, values[run], colour) for name, values, colour in bands]
            (_lines if lines else _stack)(axes, days[run], of_run)
            marker = "o" if len(days[run]) == 1 else ""
            axes.plot(days[run], net[run], color=theme.net, linewidth=2, marker=marker)
        doubtful = [(point.on, value) for point, value in zip(points, net, strict=True) if not point.complete]
        if doubtful:
            axes.plot(*zip(*doubtful, strict=True), "o", color=theme.net, mfc=theme.ground, markersize=4)
        entries = [(name, colour, "-" if lines else AREA) for name, _, colour in bands]
        legend(
            axes,
            [
                *entries,
                (gettext("Net worth"), theme.net, "-"),
                *[(gettext("Incomplete"), theme.net, "o")] * bool(doubtful),
            ],
            options,
        )
        date_axis(axes, days or (real.days if real else ()))
        axes.axhline(0, color=theme.ink, linewidth=0.8)
        money_axis(axes.yaxis, [*net, *(value for _, values, _ in bands for value in values)], currency)

    notes = [] if real is None else [_real_note(real)]
    notes += [note] if points else []
    notes += [gettext("Groups overlap.")] if overlap and labels is not None else []
    return draw_in_thread(draw, title or gettext("Net worth"), " ".join(notes), options)


def allocation_plot(
    allocation: Allocation,
    *,
    labels: Labels,
    title: str = "",
    options: ChartOptions = ChartOptions(),
) -> bytes:
    """A bar for each group, the largest first, with its share; what is owed is below zero. Ticks are targets."""
    rows = _bars(allocation, labels, options)

    def draw(axes: Any, theme: Theme) -> None:
        places = range(len(rows))
        colours = [theme.owed if value < 0 else theme.owned for _, value, _, _ in rows]
        # The edge has a fixed width: so the smallest debt is visible beside the largest house.
        values = [value for _, value, _, _ in rows]
        axes.barh(places, values, color=colours, edgecolor=colours, linewidth=1.5, height=0.7)
        for place, (_, value, share, goal) in enumerate(rows):
            text = _debt(value) if value < 0 else "" if share is None else percentage(share)
            axes.annotate(
                text, (max(value, 0), place), xytext=(4, 0), textcoords="offset points", va="center"
            )
            if goal is not None:
                axes.plot([goal, goal], [place - 0.42, place + 0.42], color=theme.ink, linewidth=2)
        axes.set_yticks(places, [short(name, options.label_length) for name, _, _, _ in rows])
        axes.invert_yaxis()
        axes.axvline(0, color=theme.ink, linewidth=0.8, zorder=0.9)
        axes.margins(x=0.12)
        sides = [(gettext("Owned"), theme.owned, PATCH), (gettext("Owed"), theme.owed, PATCH)]
        aimed = any(goal is not None for _, _, _, goal in rows)
        legend(axes, [*sides, *[(gettext("Target"), theme.ink, "|")] * aimed], options)
        money_axis(axes.xaxis, [value for _, value, _, _ in rows], allocation.currency)

    note = f"{day_text(allocation.on)}. {_completeness(allocation.missing_rates)}"
    note += f" {gettext('Groups overlap.')}" if allocation.overlap else ""
    return draw_in_thread(draw, title or gettext("Allocation"), note, options)


# --- what is drawn ---


def _runs(days: Sequence[date], real: RealTerms | None) -> list[slice]:
    """The parts of the days between which the index is known throughout."""
    if real is None or not days:
        return [slice(None)] * bool(days)
    lacking = [on for number, on in enumerate(real.days) if real.lacking_on(number)]
    starts = [
        place
        for place in range(1, len(days))
        if bisect(lacking, days[place - 1]) < bisect(lacking, days[place])
    ]
    return [slice(*ends) for ends in pairwise([0, *starts, len(days)])]


def _real_note(real: RealTerms) -> str:
    if real.last is None:
        text = gettext("%(index)s has no value on %(day)s.")
    else:
        text = gettext("Adjusted for inflation by %(index)s: in the money of %(day)s.")
    return text % {"index": real.symbol, "day": day_text(real.on)}


def _thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """At most one point for each pixel; the last point is always included."""
    if len(points) <= most:
        return points
    return [points[place * (len(points) - 1) // (most - 1)] for place in range(most)]


def _sides(points: Sequence[Point], theme: Theme) -> list[Band]:
    return [
        (gettext("Assets"), [float(point.assets) for point in points], theme.owned),
        (gettext("Debts"), [float(point.liabilities) for point in points], theme.owed),
    ]


def _groups(points: Sequence[Point], labels: Labels, options: ChartOptions) -> list[Band]:
    """The groups with the largest amounts on any day, the largest first; the others together."""
    weights: dict[Hashable, Decimal] = {}
    for point in points:
        for key, value in point.groups.items():
            weights[key] = max(weights.get(key, Decimal(0)), abs(value))
    ranked = sorted(weights, key=lambda key: -weights[key])
    shown, rest = ranked[: options.most_groups], ranked[options.most_groups :]
    bands = [
        (_label(key, labels), [float(point.groups.get(key, 0)) for point in points], colour)
        for key, colour in zip(shown, PALETTE, strict=False)
    ]
    if rest:
        others = [float(sum(point.groups.get(key, 0) for key in rest)) for point in points]
        bands.append((_others(len(rest)), others, OTHER_COLOUR))
    return bands


def _bars(
    allocation: Allocation, labels: Labels, options: ChartOptions
) -> list[tuple[str, float, float | None, float | None]]:
    """(name, value, share, target's value) from the top down; bars that do not fit become one for each side."""
    room = max(3, options.height // 40)
    owned, owed = allocation.asset_groups, allocation.liability_groups
    of_owned = max(1, min(len(owned), room - min(len(owed), room // 3)))
    rows = [
        (
            _label(part.key, labels),
            float(part.value),
            None if part.share is None else float(part.share),
            None if part.target is None else float(part.target * allocation.assets),
        )
        for part in (*owned[:of_owned], *owed[: room // 3])
    ]
    if rest := owned[of_owned:]:
        share = None if allocation.overlap else float(sum(part.share or 0 for part in rest))
        rows.insert(of_owned, (_others(len(rest)), float(sum(part.value for part in rest)), share, None))
    if rest := owed[room // 3 :]:
        debts = ngettext("%(count)s other debt", "%(count)s other debts", len(rest)) % {"count": len(rest)}
        rows.append((debts, float(sum(part.value for part in rest)), None, None))
    return rows


def _others(count: int) -> str:
    return ngettext("%(count)s other", "%(count)s others", count) % {"count": count}


def _completeness(missing: Iterable[Missing], days: int = 0, all_days: int = 0) -> str:
    """What the picture says about rates that it lacks; a series says on how many of its days."""
    currencies = sorted({gap.currency for gap in missing})
    if not currencies:
        return gettext("Complete.")
    named = ", ".join(currencies[:5])
    named = gettext("%(currencies)s and others") % {"currencies": named} if len(currencies) > 5 else named
    if all_days:
        text = ngettext(
            "Incomplete: %(days)s of %(all_days)s days lacks a rate of %(currencies)s.",
            "Incomplete: %(days)s of %(all_days)s days lack a rate of %(currencies)s.",
            days,
        )
        return text % {"days": days, "all_days": all_days, "currencies": named}
    return gettext("Incomplete: It lacks a rate of %(currencies)s.") % {"currencies": named}


# --- text ---


def _label(key: Hashable, labels: Labels) -> str:
    return labels.get(key, str(UNGROUPED) if key is None else str(key))


def percentage(share: float) -> str:
    return in_active_format(f"{share:.1%}").replace("%", f"{NO_BREAK_SPACE}%")


def _debt(value: float) -> str:
    """The amount of a debt: it has no share to show."""
    if not 0.01 <= -value < 1e15:
        return in_active_format(f"{value:.3g}")
    return in_active_format(f"{value:,.0f}" if value <= -100 else f"{value:,.2f}")


def money_axis(axis: Any, values: Sequence[float], currency: str) -> None:
    """Plain digits with thousands; from ten million on the axis is in millions, as its label says."""
    highest = max(map(abs, values), default=0)
    unit, word = next(((by, f" {word}") for least, by, word in MAGNITUDES if highest >= least), (1, ""))

    def label_of(value: float, place: int | None) -> str:
        ticks = {tick / unit for tick in axis.get_majorticklocs()} | {value / unit}
        labels = dict(zip(ticks, tick_labels(list(ticks), plain_below=1e7), strict=True))
        return in_active_format(labels[value / unit])

    axis.set_major_formatter(label_of)
    axis.set_label_text(currency + word)


# --- matplotlib ---


@cache
def _matplotlib() -> Any:
    """The library, configured once for the whole process with the settings of all pictures."""
    import warnings

    import matplotlib
    import matplotlib.figure

    matplotlib.rcParams.update(
        {
            "text.parse_math": False,
            "svg.fonttype": "none",
            "svg.hashsalt": "strata",
            "font.family": fonts.families(),
            "font.sans-serif": [fonts.OWN],
            "font.size": 9,
        }
    )
    # For a letter that no font has it draws a box: the picture says so, so the log need not.
    warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
    return matplotlib


def draw_in_thread(draw: Callable[[Any, Theme], None], title: str, note: str, options: ChartOptions) -> bytes:
    """The thread has the formats of the caller by the context, and the language by its name."""
    language = translation.get_language()

    def drawn() -> bytes:
        with translation.override(language):
            return _draw_and_collect(draw, title, note, options)

    return _drawer.submit(copy_context().run, drawn).result()


def _draw_and_collect(
    draw: Callable[[Any, Theme], None], title: str, note: str, options: ChartOptions
) -> bytes:
    """A figure and its parts reference each other: without this, dozens of them wait for the garbage collector."""
    picture = _render(draw, title, note, options)
    gc.collect(1)
    return picture


def _render(draw: Callable[[Any, Theme], None], title: str, note: str, options: ChartOptions) -> bytes:
    from matplotlib.text import Text

    theme = THEMES[options.theme]
    size = options.width / PIXELS_PER_INCH, options.height / PIXELS_PER_INCH
    figure = _matplotlib().figure.Figure(figsize=size, facecolor=theme.ground, layout="constrained")
    margin = MARGIN if options.height >= 360 else NARROW_MARGIN
    figure.get_layout_engine().set(w_pad=margin, h_pad=margin)
    axes = figure.add_subplot(facecolor=theme.ground)
    draw(axes, theme)
    _finish(axes, theme)
    heading = {"x": 0.02, "ha": "left", "fontsize": 12, "fontweight": "bold"}
    figure.suptitle(short(title, options.width // 13), color=theme.ink, **heading)
    if options.format == "png" and not fonts.has_all(text.get_text() for text in figure.findobj(Text)):
        note = f"{note} {NO_FONT}"
    axes.set_title(short(note, (options.width - 80) // 6), color=theme.ink, loc="left", fontsize=8)
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if options.format == "svg" else {"Software": None}
    figure.savefig(buffer, format=options.format, dpi=PIXELS_PER_INCH, metadata=metadata)
    return buffer.getvalue()


def _stack(axes: Any, days: Sequence[date], bands: Sequence[Band]) -> None:
    """Stacked bands: amounts above zero upwards, amounts below zero downwards."""
    top, bottom = [0.0] * len(days), [0.0] * len(days)
    for _, values, colour in bands:
        for base, part in (
            (top, [max(value, 0.0) for value in values]),
            (bottom, [min(value, 0.0) for value in values]),
        ):
            edge = [under + value for under, value in zip(base, part, strict=True)]
            if any(part):
                _fill(axes, days, base, edge, colour)
            base[:] = edge


def _fill(axes: Any, days: Sequence[date], base: list[float], edge: list[float], colour: str) -> None:
    if len(days) == 1:
        axes.bar(days, edge[0] - base[0], bottom=base[0], color=colour, alpha=THIN, width=0.4)
    else:
        axes.fill_between(days, list(base), edge, color=colour, alpha=THIN, linewidth=0)


def _lines(axes: Any, days: Sequence[date], bands: Sequence[Band]) -> None:
    for _, values, colour in bands:
        axes.plot(days, values, color=colour, linewidth=1.2, marker="." if len(days) == 1 else "")


def date_axis(axes: Any, days: Sequence[date]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.xaxis.set_label_text(gettext("Date"))
    if len(days) == 1:
        axes.set_xlim(days[0] - timedelta(days=2), days[0] + timedelta(days=2))
        axes.set_xticks(days, [day_text(day) for day in days])
        return
    locator = AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]  # not typed in matplotlib
    axes.xaxis.set_major_locator(locator)
    formatter: Any = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # not typed in matplotlib
    format_ticks, get_offset = formatter.format_ticks, formatter.get_offset
    formatter.format_ticks = lambda ticks: [_with_month_names(text) for text in format_ticks(ticks)]
    formatter.get_offset = lambda: _with_month_names(get_offset())
    axes.xaxis.set_major_formatter(formatter)


def _with_month_names(text: str) -> str:
    """The short English names of months, replaced by those of the language."""
    for english, name in zip(MONTHS, months(), strict=True):
        text = text.replace(english, name)
    return text


def legend(axes: Any, entries: Sequence[Entry], options: ChartOptions) -> None:
    """Replaces placeholders by the names afterwards: matplotlib hides a label that begins with an underscore."""
    theme = THEMES[options.theme]
    handles = [_handle(colour, kind, theme) for _, colour, kind in entries]
    columns = max(1, min(len(entries), options.width // 160))
    drawn = axes.figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)
    for text, (name, _, _) in zip(drawn.get_texts(), entries, strict=True):
        text.set_text(short(name, options.label_length))
        text.set_color(theme.ink)


def _handle(colour: str, kind: str, theme: Theme) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if kind in (PATCH, AREA):
        return Patch(color=colour, alpha=THIN if kind == AREA else 1, linewidth=0, label="placeholder")
    is_line = kind == "-"
    return Line2D(
        [],
        [],
        color=colour,
        linestyle="-" if is_line else "",
        marker="" if is_line else kind,
        mfc=theme.ground,
        linewidth=2,
        label="placeholder",
    )


def _finish(axes: Any, theme: Theme) -> None:
    axes.grid(visible=True, color=theme.faint, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(colors=theme.ink, length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(theme.ink)
        axis.get_offset_text().set_color(theme.ink)
    for text in axes.texts:
        text.set_color(theme.ink)

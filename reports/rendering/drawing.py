"""How a picture is drawn: its size and colours, the thread that draws, axes, areas and lines. The same input gives the
same bytes.

A "theme" is a set of colours, light or dark. Amounts become floats only for drawing; none goes back into a sum.
Names in a picture come from users: they are shortened, never read as formulas, and invisible characters are left out.
matplotlib takes 60 MiB and is loaded with the first picture, so that workers that draw nothing do not need it.
"""

from __future__ import annotations

import gc
import io
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal

from django.utils import translation
from django.utils.translation import gettext, gettext_lazy

from reports.rendering import fonts
from reports.rendering.palette import PALETTE
from reports.rendering.ticks import tick_labels
from strata.fields.active_formats import day_text, in_active_format, months
from strata.fields.date_formats import MONTHS
from strata.fields.number_formats import NO_BREAK_SPACE
from strata.text import short

type Band = tuple[str, list[float], str]  # name, values, colour
type Entry = tuple[str, str, str]  # name, colour, and shape: a patch, an area, a line, or a marker

WIDTHS, HEIGHTS = range(320, 2001), range(200, 1501)
PIXELS_PER_INCH = 96
MARGIN, NARROW_MARGIN = 0.1, 0.06  # inches around the drawing
NO_FONT = gettext_lazy("No font here for some letters.")
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


DEFAULT_OPTIONS = ChartOptions()


@cache
def _matplotlib() -> Any:
    """The library, configured once for the whole process with the settings of all pictures."""
    # matplotlib is loaded with the first picture: about a second and 60 MiB.
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
    # loaded with the first picture, as above
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


def draw_stack(axes: Any, days: Sequence[date], bands: Sequence[Band]) -> None:
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


def draw_lines(axes: Any, days: Sequence[date], bands: Sequence[Band]) -> None:
    for _, values, colour in bands:
        axes.plot(days, values, color=colour, linewidth=1.2, marker="." if len(days) == 1 else "")


def date_axis(axes: Any, days: Sequence[date]) -> None:
    # loaded with the first picture, as above
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
    # loaded with the first picture, as above
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


# --- text and axes of amounts ---


def percentage(share: float) -> str:
    return in_active_format(f"{share:.1%}").replace("%", f"{NO_BREAK_SPACE}%")


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

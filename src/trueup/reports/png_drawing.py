"""Draw charts with matplotlib, and pack their pixels as PNG.

Thirty charts took longer than all other reports together. So all bars of a colour are one artist,
names and lengths beside bars are texts and no ticks, margins and limits are given, not searched for,
and pixels are packed by zlib's quickest way: Pillow tries five filters on each of their lines.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trueup.reports.png_shapes import Bars, ByDay, ByName, ByRank

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _LINES = "#1F2937", "#E5E7EB"

_SIZE = (12.8, 7.2)  # inches; 1280 by 720 points at 100 an inch, a slide's shape
_WIDE = (0.09, 0.08, 0.88, 0.74)  # left, bottom, width and height of the axes, in parts of that
_NAMED = (0.36, 0.05, 0.58, 0.78)
_SLANTED = (0.09, 0.2, 0.88, 0.62)

_FEWEST_DAYS = 7  # across a picture: the bar of a single day would fill it
_FIRST_DAY = date(1970, 1, 1).toordinal()  # matplotlib's

Corners = list[tuple[float, float]]


class Canvas:
    """Draws one chart after the other."""

    def __init__(self) -> None:
        self._figure = Figure(figsize=_SIZE, dpi=100)
        self._canvas = FigureCanvasAgg(self._figure)

    def draw(self, title: str, shape: ByDay | ByName | ByRank) -> bytes:
        """Draw a chart with its title above it; return it as PNG."""
        figure = self._figure
        # Text from a log is no formula. Unhinted letters look the same and take two thirds of the time.
        with mpl.rc_context({"text.parse_math": False, "text.hinting": "none"}):
            figure.clear()
            figure.text(0.03, 0.97, title, color=_INK, fontsize=20, va="top", linespacing=1.4)
            match shape:
                case ByDay():
                    _draw_days(figure.add_axes(_WIDE), shape)
                case ByName():
                    _draw_names(figure.add_axes(_SLANTED), shape)
                case ByRank():
                    _draw_ranks(figure.add_axes(_NAMED), shape)
            self._canvas.draw()  # type: ignore[no-untyped-call]
        pixels: memoryview = self._canvas.buffer_rgba()  # type: ignore[no-untyped-call]
        return _as_png(pixels)


def _draw_days(axes: Axes, shape: ByDay) -> None:
    places = [day.toordinal() - _FIRST_DAY for day in shape.days]
    count = places[-1] - places[0] + 1
    room = 0.5 + max(0.02 * count, (_FEWEST_DAYS - count) / 2)
    axes.set_xlim(places[0] - room, places[-1] + room)
    _draw_upright(axes, places, 0.9, shape.series)
    locator = AutoDateLocator(maxticks=10)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _draw_names(axes: Axes, shape: ByName) -> None:
    places = range(len(shape.names))
    axes.set_xlim(-0.7, len(places) - 0.3)
    _draw_upright(axes, places, 0.8, shape.series)
    axes.set_xticks(places, shape.names, rotation=40, ha="right")
    axes.set_ylabel(shape.unit, fontsize=14, color=_INK)


def _draw_ranks(axes: Axes, shape: ByRank) -> None:
    axes.set_axis_off()
    ends = shape.bars.values
    width = max(ends, default=0) * 1.25 or 1
    axes.set_xlim(0, width)
    axes.set_ylim(len(ends) - 0.4, -0.6)
    corners = [_corners(0, place - 0.35, end, place + 0.35) for place, end in enumerate(ends)]
    _add(axes, shape.bars, corners)
    rows = zip(shape.names, ends, shape.lengths, strict=True)
    for place, (name, end, length) in enumerate(rows):
        look: dict[str, Any] = {"va": "center_baseline", "color": _INK}
        axes.text(-0.009 * width, place, name, ha="right", fontsize=13, **look)
        axes.text(end + 0.012 * width, place, length, fontsize=14, **look)


def _draw_upright(axes: Axes, places: Sequence[int], width: float, series: Sequence[Bars]) -> None:
    """Draw series of bars, with lines to read them by and their labels above."""
    axes.tick_params(labelsize=14, colors=_INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=_LINES)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
    lowest = highest = 0.0
    for bars in series:
        starts = bars.starts or [0] * len(places)
        ends = [start + value for start, value in zip(starts, bars.values, strict=True)]
        lowest, highest = min(lowest, *ends), max(highest, *ends)
        rows = zip(places, starts, ends, strict=True)
        half = width / 2
        corners = [
            _corners(at - half, start, at + half, end) for at, start, end in rows if start != end
        ]
        _add(axes, bars, corners)
    room = 0.05 * (highest - lowest) or 1
    axes.set_ylim(lowest - room if lowest else 0, highest + room)
    if lowest:
        axes.axhline(0, color=_INK, linewidth=1)
    if any(bars.label for bars in series):
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(series),
            fontsize=14,
            labelcolor=_INK,
            frameon=False,
        )


def _add(axes: Axes, bars: Bars, corners: Sequence[Corners]) -> None:
    look = {"hatch": "//", "edgecolor": "white"} if bars.is_hatched else {"linewidth": 0}
    label = bars.label or "_"  # matplotlib's word for none
    shapes = PolyCollection(corners, facecolor=bars.colour, label=label, **look)
    axes.add_collection(shapes, autolim=False)


def _corners(left: float, bottom: float, right: float, top: float) -> Corners:
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


def _as_png(pixels: memoryview) -> bytes:
    """Pack pixels (lines, columns, red-green-blue-opacity) as PNG, with neither date nor maker."""
    height, width, _ = pixels.shape or ()
    data, length = pixels.tobytes(), 4 * width
    lines = b"".join(b"\0" + data[at : at + length] for at in range(0, len(data), length))
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x06\0\0\0"  # eight bits of each colour
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)
        for name, content in chunks
    )

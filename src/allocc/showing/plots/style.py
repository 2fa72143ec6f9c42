"""How all plots look, and the figure that they are drawn on."""

from __future__ import annotations

import hashlib
import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator

from allocc.tables import number, numbers

#: Inches. A page of text is about this wide.
WIDTH = 7.4
INK = "#1c1c1c"
#: Dark, for what was decided and reached.
MAIN = "#12497f"
#: A middle grey, for what would be without it.
OTHER = "#7d7d7d"
#: Light, for areas behind.
PALE = "#dfe3e8"

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica", "sans-serif"],
    "font.size": 9.0,
    "text.color": INK,
    # A dollar in a description is money.
    "text.parse_math": False,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.7,
    "hatch.color": "#8f8f8f",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "path.simplify": False,
}


class Drawing(Figure):
    """A figure with a title above, which shows itself in notebooks without pyplot."""

    def __init__(self, title: str, height: float, about: str = "") -> None:
        engine = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06, hspace=0.04, wspace=0.05)
        super().__init__(figsize=(WIDTH, height), layout=engine)
        FigureCanvasAgg(self)
        self.about = about or title
        #: Where to draw: the place below the title.
        self.body = titled(self, wrapped(title, 78, 3), 11)

    def data(self, format: str = "svg") -> bytes:
        """The picture as a file of a format; the same figure gives the same bytes."""
        # Ids in an SVG are shared by everything on a page: they come from what is drawn.
        salt = hashlib.sha256(repr((self.about, self.get_size_inches().tolist())).encode())
        target = io.BytesIO()
        # Without a date, the same run gives the same file.
        metadata = {"Title": self.about} | ({"Date": None} if format == "svg" else {})
        with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt.hexdigest()}):
            self.savefig(target, format=format, dpi=160, metadata=metadata)
        return target.getvalue()

    def write(self, path: Path) -> None:
        """Write `.svg` or `.png`; raises `OSError`."""
        path.write_bytes(self.data(path.suffix.lower().removeprefix(".")))

    def inline_svg(self) -> str:
        """The picture as an `<svg>` element that stands in a page, beside others."""
        text = self.data("svg").decode("utf-8")
        # Names of groups, as `axes_1`, nothing refers to, and other pictures have them as well.
        text = re.sub(r' id="[a-z0-9A-Z]+_[0-9]+"', "", text[text.index("<svg") :])
        return text.replace("<svg ", '<svg role="img" ', 1)

    def _repr_svg_(self) -> str:
        return self.inline_svg()


def titled(place: Any, title: str, size: float = 9.5) -> Any:
    """A title at the left of a figure or a part of one; what is below it is a part of its own."""
    place.suptitle(title, x=0.01, ha="left", fontsize=size, fontweight="bold")
    return place.subfigures(1, 1)


def drawn(make: Any) -> Any:
    """Draw with the common style, whatever the caller's settings are."""

    def styled(*arguments: Any) -> Drawing:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            figure: Drawing = make(*arguments)
        return figure

    return styled


def wrapped(text: str, width: int, lines: int = 2) -> str:
    """A text over at most so many lines, cut with an ellipsis beyond."""
    parts = textwrap.wrap(text, width) or [""]
    if len(parts) > lines:
        parts = [
            *parts[: lines - 1],
            textwrap.shorten(" ".join(parts[lines - 1 :]), width, placeholder="…"),
        ]
    return "\n".join(parts)


def short(text: str, most: int = 28) -> str:
    """A label that is cut in the middle where it is long: ends tell names apart best."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head].rstrip()}…{text[len(text) - (most - 1 - head) :].lstrip()}"


def heading(name: str, description: str) -> str:
    """`name: description`, or what there is of it."""
    return f"{name}: {description}" if description else name


def number_axis(axis: Any, most: int = 5, whole: bool = False) -> None:
    """Ticks at round numbers, with thousands separators and without any offset."""
    axis.set_major_locator(MaxNLocator(nbins=most, integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda x, _: number(round(x, 12), 5)))


def time_axis(axes: Any, times: Sequence[float], label: str) -> None:
    """Time across: plain numbers, because 2017 is a year and not 2,017."""
    whole = all(float(t).is_integer() for t in (times[0], times[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=whole))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.10g}"))
    axes.set_xlabel(label)


def tidy(values: Sequence[float], digits: int = 5) -> list[str]:
    """Numbers of one column with the same decimals, and none that are 0 in all of them."""
    texts = numbers(values, digits)
    while all("." in t for t in texts) and texts and all(t.endswith("0") for t in texts):
        texts = [t[:-1].removesuffix(".") for t in texts]
    return texts


def end_labels(
    axes: Any,
    values: Sequence[float],
    colors: Sequence[str],
    window: tuple[float, float],
    apart: float = 0.11,
) -> None:
    """The last value of each line at the right of the axes, `apart` (of its height) at least."""
    texts = tidy(values)
    low, high = window
    span = high - low or 1.0
    # Of two that read the same, the first one is written.
    order = [k for k in range(len(values)) if texts[k] not in texts[:k]]
    order.sort(key=lambda k: values[k])
    last = -1.0
    places: dict[int, float] = {}
    for k in order:
        places[k] = max((values[k] - low) / span, last + apart)
        last = places[k]
    over = max(0.0, last - 1.0)
    for k in order:
        axes.text(
            1.015,
            places[k] - over,
            texts[k],
            transform=axes.transAxes,
            va="center",
            ha="left",
            color=colors[k],
            fontsize=8.5,
        )

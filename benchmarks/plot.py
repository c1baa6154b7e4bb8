"""What was measured as plots: SVG whose bytes depend on nothing but the figures, for light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.contenders import CHANGED, NOTHING, PHASES
from benchmarks.results import by_size, peak, per_row, phase_name
from benchmarks.where import PARTS

# A colour that nothing else has, which becomes one that is dark on light pages and light on dark ones.
INK = "#010203"
INKS = "svg {color: #1f2328} @media (prefers-color-scheme: dark) {svg {color: #e6edf3}}"
COLOURS = ("#3b82f6", "#f59e0b", "#10b981", "#ec4899", "#8b5cf6", "#78909c")
STYLE = {
    "svg.hashsalt": "benchmarks",
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib's own, so that it is measured alike everywhere
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
}


def of_load(scale: str, load: Mapping[str, Any]) -> str:
    """Draw who took how long and how much memory, and where the engine's time went."""
    names = list(load["seconds"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 6.5), layout="constrained")
        figure.suptitle(f"SCALE {scale}: {load['orders']:,} orders, medians of {load['rounds']}")
        panels = figure.subplot_mosaic(
            [["full", "changed"], ["nothing", "memory"], ["where", "where"]]
        )
        for phase in PHASES:
            seconds = {name: median(load["seconds"][name][phase]) for name in names}
            _bars(panels[phase], f"{phase_name(load, phase)}, s", seconds, "{:.2f}")
        held = {name: peak(load, name) / 1e6 for name in names}
        _bars(panels["memory"], "peak memory, MB", held, "{:.0f}")
        _parts(panels["where"], load)
        return _svg(figure)


def of_growth(growth: Mapping[str, Any]) -> str:
    """Draw how time per row, the changes and memory go with the scale."""
    found = by_size(growth["scales"])
    sizes = [float(scale) for scale, _ in found]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        rows, changes, memory = figure.subplots(1, 3)
        _line(rows, "full load, µs per row", sizes, [per_row(each) for _, each in found], 0)
        _goal(rows, sizes, 0.85 * per_row(found[0][1]), 1.15 * per_row(found[0][1]))
        for number, phase in enumerate((CHANGED, NOTHING)):
            name = f"{growth['changes']:,} changed" if phase == CHANGED else "nothing changed"
            seconds = [median(each["seconds"][phase]) for _, each in found]
            _line(changes, "seconds", sizes, seconds, number, name)
        changes.legend(frameon=False, labelcolor=INK)
        _line(memory, "peak memory, MB", sizes, [max(each["peaks"]) / 1e6 for _, each in found], 0)
        memory.set_ylim(0, max(110, memory.get_ylim()[1]))
        memory.axhline(100, color=COLOURS[3], linestyle="--", linewidth=1)
        return _svg(figure)


def _bars(axes: Any, title: str, values: Mapping[str, float], form: str) -> None:
    bars = axes.barh(list(values), list(values.values()), color=COLOURS[: len(values)])
    axes.bar_label(bars, [form.format(value) for value in values.values()], padding=3, color=INK)
    axes.set_title(title)
    axes.set_xlim(0, max(values.values()) * 1.15)
    axes.invert_yaxis()


def _parts(axes: Any, load: Mapping[str, Any]) -> None:
    begun = [0.0] * len(PHASES)
    for part, colour in zip(PARTS, COLOURS, strict=True):
        seconds = [load["where"][phase][part] for phase in PHASES]
        axes.barh(
            [phase_name(load, phase) for phase in PHASES],
            seconds,
            left=begun,
            color=colour,
            label=part,
        )
        begun = [before + more for before, more in zip(begun, seconds, strict=True)]
    axes.set_title("where the engine's time goes, s")
    axes.invert_yaxis()
    axes.legend(
        ncols=len(PARTS),
        frameon=False,
        labelcolor=INK,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.15),
    )


def _line(
    axes: Any, title: str, sizes: list[float], values: list[float], number: int, name: str = ""
) -> None:
    axes.plot(sizes, values, marker="o", color=COLOURS[number], label=name)
    axes.set_title(title)
    axes.set_xlabel("SCALE")
    axes.set_xticks(sizes)
    axes.set_ylim(0, max(axes.get_ylim()[1], max(values) * 1.2))


def _goal(axes: Any, sizes: list[float], least: float, most: float) -> None:
    axes.fill_between(sizes, least, most, color=COLOURS[0], alpha=0.15, linewidth=0)


def _svg(figure: Figure) -> str:
    text = StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    drawn = text.getvalue().replace(INK, "currentColor")
    return drawn.replace("<defs>", f"<style>{INKS}</style>\n <defs>", 1)

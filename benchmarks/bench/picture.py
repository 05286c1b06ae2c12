"""Where each second goes, drawn."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from kimchi_vision.results.plots.fonts import hangul


@hangul()
def drawn(ways: Mapping[str, Mapping[str, float]]) -> Figure:
    """A bar a way, such as two pipelines, made of the seconds of its parts. ways: way → part → seconds."""
    figure = Figure(figsize=(8, 1.2 + 0.7 * len(ways)), layout="constrained")
    axes = figure.add_subplot(xlabel="seconds")
    names = list(ways)
    ends = [0.0] * len(names)
    for part in next(iter(ways.values())):
        lengths = [ways[name][part] for name in names]
        axes.barh(names, lengths, left=ends, label=part)
        ends = [end + length for end, length in zip(ends, lengths, strict=True)]
    for place, end in enumerate(ends):
        axes.annotate(f"{end:.0f} s", (end, place), (4, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.1)
    row = {"ncols": len(axes.containers), "columnspacing": 1.2, "handlelength": 1.2}
    axes.legend(**row, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    return figure

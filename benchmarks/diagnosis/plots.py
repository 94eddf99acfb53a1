"""The plots of the report: how honest probabilities are, how soon the truth is named, how time grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.diagnosis.judge import Judged
from benchmarks.diagnosis.scaling import Measured
from benchmarks.diagnosis.score import calibration, share

MOST_CAUSES = 20


def draw_calibration(judged: Sequence[Judged], path: Path) -> None:
    """Draw how often leading causes are true against how likely they are called, both halves."""
    with _figure(path) as axes:
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for half in ("plain", "departed"):
            bins = calibration([one for one in judged if one.half == half]).bins
            if bins:
                said, true, count = zip(*bins, strict=True)
                axes.plot(said, true, marker="o", label=half)
                for x, y, many in zip(said, true, count, strict=True):
                    axes.annotate(str(many), (x, y), textcoords="offset points", xytext=(5, -9), fontsize=7)
        axes.set(xlabel="probability of the leading cause", ylabel="share that is true", xlim=(0, 1), ylim=(0, 1))
        axes.legend()


def draw_hits(judged: Sequence[Judged], path: Path) -> None:
    """Draw the share of visible blockages among the first k causes, network by network."""
    seen = [one for one in judged if one.kind == "blocked_link" and one.visible]
    first = range(1, MOST_CAUSES + 1)
    with _figure(path) as axes:
        for network in dict.fromkeys(one.network for one in seen):
            mine = [one for one in seen if one.network == network]
            hits = [share(mine, lambda one, k=k: one.hit(k)) for k in first]  # type: ignore[misc]
            axes.plot(first, hits, label=f"{network} ({len(mine)})")
        axes.axhline(0.9, color="0.7", linewidth=1)
        axes.set(xlabel="k", ylabel="true cause among the first k", ylim=(0, 1.02))
        axes.legend(fontsize=7)


def draw_scaling(measured: Sequence[Measured], path: Path) -> None:
    """Draw the time of one diagnosis against the links of the network."""
    done = sorted((one.links, one.elapsed_s) for one in measured if one.elapsed_s)
    with _figure(path) as axes:
        if done:
            links, seconds = zip(*done, strict=True)
            axes.loglog(links, seconds, marker="o")
            axes.loglog(links, [seconds[0] * (one / links[0]) ** 1.3 for one in links], color="0.7", linewidth=1)
        axes.set(xlabel="links", ylabel="seconds (grey: links to the power 1.3)")


@contextmanager
def _figure(path: Path) -> Iterator[Axes]:
    # Without a salt and a date the same figures give the same file.
    with mpl.rc_context({"svg.hashsalt": path.stem, "font.size": 9}):
        figure = Figure(figsize=(5.0, 3.6), layout="constrained")
        yield figure.add_subplot()
        figure.savefig(path, metadata={"Date": None})

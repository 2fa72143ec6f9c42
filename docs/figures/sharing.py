"""Draw docs/how-to/sharing.svg: ten places by each notion of the model on the page beside it.

python docs/figures/sharing.py
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import allocc

HOW_TO = Path(__file__).resolve().parents[1] / "how-to"
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")


def shares() -> tuple[dict[str, dict[str, int]], list[str]]:
    """The places of each group by each notion, all proven, in the order of the page; and the groups."""
    page = (HOW_TO / "equity.md").read_text("utf-8")
    model, table = (
        re.search(rf"^```\w+ {name}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        for name in ("places.alloc", "groups.csv")
    )
    assert model is not None
    assert table is not None
    notions = [*re.findall(r'notion == "(.*?)"', model[1]), "gini_of_rates"]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "places.alloc").write_text(model[1], "utf-8")
        (Path(folder) / "groups.csv").write_text(table[1], "utf-8")
        for notion in notions:
            result = allocc.load(Path(folder) / "places.alloc", notion=notion).solve(gap=1e-6)
            assert result.status == "optimal", notion
            found[notion] = {str(k): round(v) for k, v in result["give"].items()}
    groups = [f"{name} ({need})" for name, need, _ in (x.split(",") for x in table[1].split()[1:])]
    return found, groups


def draw(found: dict[str, dict[str, int]], groups: list[str], path: Path) -> None:
    """One row a notion, one square a place."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "allocc"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    for row, places in enumerate(found.values()):
        left = 0
        for color, count in zip(COLORS, places.values(), strict=True):
            for k in range(count):
                axes.barh(row, 0.92, left=left + k, height=0.72, color=color)
            left += count
    axes.set_yticks(range(len(found)), list(found), family="monospace")
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    handles = [plt.Rectangle((0, 0), 1, 1, color=c) for c in COLORS]
    figure.legend(handles, groups, loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(*shares(), HOW_TO / "sharing.svg")

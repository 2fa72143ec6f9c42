"""Small models, one for each way in which a solve can end."""

from __future__ import annotations

import random
from pathlib import Path

EASY = """model easy "Doses for two clinics"
set Clinic = {a, b}
param stock "doses in the store" = 10
decide doses[Clinic] "doses" : dose integer in 0 .. 8
limit store: sum(doses) <= stock
maximize { reached "people reached": 2 * doses["a"] + doses["b"] }
"""

INFEASIBLE = """model never "No way"
decide x integer in 0 .. 5
decide y integer in 0 .. 5
limit both: x + y >= 6
limit none: x + y <= 5
minimize { cost: x + y }
"""

UNBOUNDED = """model forever "No end"
decide x in 0 ..
minimize { cost: -x }
"""

EPIDEMIC = """model epidemic "Treatment by region"
table region from "regions.csv" key name
set Region = region.name
param sick[Region] "sick at the start" : person = region.sick
param cap = 40
param healing : 1/year = 0.2
param reach : person/(team*year) = 2
time t : year = 2020 .. 2022 step 0.5
compartment A[Region] "sick" : person
compartment R[Region] "well" : person
initial A[r in Region] = sick[r]
initial R[r in Region] = 0
flow heal[r in Region] "recovery" : A[r] -> R[r] = healing * A[r]
intervention treat "Send teams" {
  decide teams[Region, t] "teams at work" : team in 0 .. 30
  effect heal[r in Region] += reach * teams[r]
  limit all[t] "teams there are": sum(r in Region: teams[r, t]) <= cap
}
minimize { left "still sick": sum(r in Region: A[r, end]) }
"""

BAD = """model bad
param stock = 10
decide x in 0 .. 5
limit store: x <= stok
minimize { cost: x }
"""


def easy(folder: Path, text: str = EASY) -> Path:
    """A model without data."""
    path = folder / "model.alloc"
    path.write_text(text, encoding="utf-8")
    return path


def epidemic(folder: Path) -> Path:
    """A model over time, with its table in `data/`."""
    (folder / "data").mkdir()
    (folder / "data" / "regions.csv").write_text("name,sick\nnorth,300\nsouth,500\n", "utf-8")
    path = folder / "epidemic.alloc"
    path.write_text(EPIDEMIC, encoding="utf-8")
    return path


def hard(folder: Path, equal: bool = False) -> Path:
    """A market split problem: an allocation is easy to find (unless `equal`), a proof is not."""
    chance = random.Random(5)
    size, rows = 45, 5
    lines = [",".join(["item", *(f"w{k}" for k in range(rows))])]
    lines += [
        ",".join([str(i), *(str(chance.randrange(100)) for _ in range(rows))]) for i in range(size)
    ]
    (folder / "items.csv").write_text("\n".join(lines) + "\n", "utf-8")
    parts = []
    for k in range(rows):
        half = f"floor_{k}"
        parts.append(f"param {half} = {sum(int(x.split(',')[k + 1]) for x in lines[1:]) // 2}")
        total = f"sum(i in Item: item.w{k}[i] * take[i]) - {half}"
        parts.append(f"limit split_{k}: {total} == {'0' if equal else f'off[{k}] - under[{k}]'}")
    off = "" if equal else "decide off[K] in 0 .. 5000\ndecide under[K] in 0 .. 5000\n"
    goal = "take[0]" if equal else "sum(off) + sum(under)"
    text = (
        'model hard "Market split"\ntable item from "items.csv" key item\nset Item = item.item\n'
        f"set K = 0 .. {rows - 1}\ndecide take[Item] binary\n{off}"
        + "\n".join(parts)
        + f"\nminimize {{ off_target: {goal} }}\n"
    )
    path = folder / "hard.alloc"
    path.write_text(text, encoding="utf-8")
    return path

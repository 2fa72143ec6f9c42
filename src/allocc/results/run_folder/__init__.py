"""Run folders: a result on disk, written whole or not at all, and read back.

In: a run. Out: its folder, and the run again. It may import the results; what lies in a folder:

result.json        everything scalar, with options, settings, versions and hashes of the inputs
certificate.json   what is proven
decisions.csv      tidy: name, a column for every index, value; `--decisions` reads it back
trajectories.csv   tidy: kind, name, a column for every index, value, baseline
reports.csv        tidy, as trajectories.csv: what `report` statements compute
targets.csv        what the model compares decisions with: statement, name, index columns, value
history.csv        what was proven and had, as time went on
program.mps        with `--prove`: the program that was proven, and program.mps.map.json, its names
proof.vipr.gz      with `--prove`: the proof in rationals; recipe.json says how the program was made
inputs/            with `--prove`: the model and its tables
loosened/          the same of the model with limits loosened, where that was asked
"""

from __future__ import annotations

FORMAT = 1

#: The tables beside decisions.csv, and what kinds of blocks each has.
TABLES = {"trajectories.csv": ("compartment", "flow"), "reports.csv": ("report",)}
#: The folder within a run folder that has the result of the model with its limits loosened.
LOOSENED = "loosened"

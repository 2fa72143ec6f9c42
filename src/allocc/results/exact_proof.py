"""A proof in rationals as a result has it: what it says, and the files that a stranger checks it with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from allocc.results.run_folder.json_values import APART, to_json

if TYPE_CHECKING:
    from allocc.engine.judging.proof import Proof
    from allocc.engine.stages import Stages

PROGRAM, NAMES, TEXT, RECIPE = (
    "program.mps",
    "program.mps.map.json",
    "proof.vipr.gz",
    "recipe.json",
)
#: The folder within a run folder with the model and the tables that it was made from.
INPUTS = "inputs"


@dataclass(frozen=True)
class ExactProof:
    """A proof that was checked when it was made.

    `bound` is the proven bound of the objective as a fraction, `p/q` in digits; None where the proof is that
    no allocation meets every limit. `leaves` are those of its tree, `size` the bytes of the file. `hashes`
    has the sha256 of every file in `contents`, by name in the run folder.
    """

    bound: str | None
    leaves: int
    derivations: int
    size: int
    seconds: float
    seconds_to_check: float
    hashes: dict[str, str]
    contents: Mapping[str, bytes] = field(
        default_factory=dict, repr=False, compare=False, metadata=APART
    )

    @property
    def value(self) -> Fraction | None:
        """The bound as a number."""
        return None if self.bound is None else Fraction(self.bound)


def exact_proof(proof: Proof, inputs: Mapping[str, bytes]) -> ExactProof:
    """What a result keeps of a proof, with the model and tables that it is about (see `input_files`)."""
    contents = {
        PROGRAM: proof.program,
        NAMES: proof.names,
        TEXT: proof.text,
        RECIPE: (to_json(proof.recipe, indent=None) + "\n").encode(),
    }
    contents.update(inputs)
    return ExactProof(
        None if proof.bound is None else str(proof.bound),
        proof.leaves,
        proof.derivations,
        len(proof.text),
        proof.seconds,
        proof.seconds_to_check,
        {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        contents,
    )


def input_files(model: Stages, whatever_size: bool = True) -> dict[str, bytes]:
    """The model's files as they were when they were read; those outside of its folders are left where they are.

    Without `whatever_size`, there are none where they are too large to be copied with every run.
    """
    copies, found = model.copies(), {}
    for name, path in model.inputs().items():
        if is_inside(name) and (name in copies or (whatever_size and path.is_file())):
            inner = f"{INPUTS}/{PurePosixPath(name)}"
            found[inner] = copies[name] if name in copies else path.read_bytes()
    return found


def is_inside(name: str) -> bool:
    """Whether a name of a file stays within the folder that it is read in."""
    pure = PurePosixPath(name.replace("\\", "/"))
    return bool(name) and not pure.is_absolute() and ".." not in pure.parts and ":" not in name


def write_contents(proof: ExactProof, folder: Path) -> None:
    """Write the files of a proof into a run folder."""
    write_files(proof.contents, folder)


def write_files(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write files by their names in a folder."""
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_contents(proof: ExactProof, folder: Path) -> dict[str, bytes]:
    """The files of a proof in a run folder.

    Raises OSError where one is missing, `ValueError` for a name that leads out of the folder.
    """
    for name in proof.hashes:
        if not is_inside(name):
            raise ValueError(f"{name} is not a file of the folder")
    return {name: (folder / name).read_bytes() for name in proof.hashes}

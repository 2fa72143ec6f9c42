"""What was found when a run folder was checked, link by link."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: `holds`: it was shown. `fails`: it was shown not to hold. `open`: it is claimed and could not be shown.
#: `absent`: the folder has nothing that this link could check.
State = Literal["holds", "fails", "open", "absent"]


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain from files to certificate: its name, what was found, and that in sentences."""

    name: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All links of a run folder, in order."""

    run: Path
    links: tuple[Link, ...]

    def __str__(self) -> str:
        return "\n".join(f"{x.name}: {x.state}: {x.text}" for x in self.links)

    @property
    def holds(self) -> bool:
        """Whether nothing that the folder claims fails or stays open."""
        return all(link.state in ("holds", "absent") for link in self.links)

"""What was found when a run was checked, as a person reads it."""

from __future__ import annotations

from allocc.results.verification import Verification
from allocc.tables import wrap

#: How a state is written, all in one width.
WORDS = {"holds": "holds", "fails": "FAILS", "open": "open", "absent": "-"}
WIDTH = 96


def verification_text(found: Verification) -> str:
    """A line for each link, and the verdict."""
    names = max(len(link.name) for link in found.links)
    states = max(map(len, WORDS.values()))
    lines = []
    for link in found.links:
        head = f"  {link.name.ljust(names)}  {WORDS[link.state].ljust(states)}  "
        first, *rest = wrap(link.text, WIDTH - len(head))
        lines += [head + first, *(" " * len(head) + line for line in rest)]
    return "\n".join([*lines, "", verdict(found)])


def verdict(found: Verification) -> str:
    """The last line."""
    failed = [link.name for link in found.links if link.state == "fails"]
    unshown = [link.name for link in found.links if link.state == "open"]
    if failed:
        return f"{found.run} does not hold what it claims: {', '.join(failed)}"
    if unshown:
        return f"{found.run}: not everything that it claims could be shown: {', '.join(unshown)}"
    return f"{found.run} holds what it claims"

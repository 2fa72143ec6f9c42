"""Conflicts, loosenings and escapes as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.results.findings import Cell, Conflict, Escape, Escaping, Loosened, Member
from allocc.results.run import Loosening
from allocc.tables import duration, number, percent, wrap

WIDTH = 98
#: Members that are all shown, those of one statement where there are more, cells, and characters.
MOST_MEMBERS, MOST_ALIKE, MOST_CELLS, MOST_SOURCE = 20, 3, 6, 160


def conflict_lines(found: Conflict) -> list[str]:
    """The part of a report that says what cannot hold together."""
    lines = wrap(_head(found), WIDTH)
    most = found.count if found.count <= MOST_MEMBERS else MOST_ALIKE
    groups: dict[tuple[str, str], list[Member]] = {}
    for member in found.members if found.narrowed else ():
        groups.setdefault((member.kind, member.name), []).append(member)
    shown = sum(min(len(rows), most) for rows in groups.values())
    width = len(str(shown))
    told: set[str] = set()
    k = 0
    for counted in found.statements if found.narrowed else ():
        for member in groups[counted.kind, counted.name][:most]:
            k += 1
            lines += ["", *_numbered(k, width, _member(member, told))]
        if counted.count > most:
            lines += ["", f"     and {counted.count - most:,} more of {counted.name}"]
    after = _remarks(found)
    return [*lines, *([""] if after else []), *(x for r in after for x in wrap(r, WIDTH))]


def _head(found: Conflict) -> str:
    count = found.count
    if found.formula:
        return (
            f"Why: no limit is to blame. A formula has to have a value: {found.formula} "
            "(with every decision at its lower end). Write it so that it has a value, or give its "
            "decisions a range in which it has one."
        )
    if found.status == "contradicted":
        return (
            "Why: not explained. The solver called the model infeasible, but when it was asked again, "
            "without the objective, it found a point. Try another --solver."
        )
    if not count:
        return (
            "Why: no limit, range or initial value is to blame. What is left without them (flows, "
            "named expressions, whole numbers) has no solution by itself."
        )
    if found.status == "irreducible" and count == 1:
        return "Why: this cannot hold, even where everything else that can be left out is."
    if found.status == "irreducible":
        return (
            f"Why: these {count} cannot hold together. The set is irreducible: without any one of "
            f"them the others can hold."
        )
    late = found.seconds >= 0.95 * found.budget
    if not found.narrowed:
        why = f"in {duration(found.budget)}" if late else "with what could be proven"
        return (
            f"Why: not found {why}. All of {found.of:,} limits, ranges and data are still in question; "
            "--explain-time gives it more time."
        )
    why = f"in the time, {duration(found.budget)}" if late else "with what could be proven"
    proven = f"{found.needed or 'none'} of them {'is' if found.needed == 1 else 'are'}"
    return (
        f"Why: these {count:,} cannot hold together, of {found.of:,} that were looked at. The set could "
        f"not be made smaller {why}; {proven} proven to be needed."
    )


def _remarks(found: Conflict) -> list[str]:
    remarks = []
    if found.whole_numbers:
        remarks.append("Whole numbers are part of it: if fractions were allowed, these could hold.")
    if found.held:
        remarks.append(f"Taken as they are, without a try: {_listed(found.held)}.")
    if found.widened:
        remarks.append(
            f"A product, a function or a chance block needs {_listed(found.widened)}: tried with ten "
            "times as much room, instead of without."
        )
    if found.count:
        did = "Found" if found.narrowed else "Tried"
        tries = "1 try" if found.checks == 1 else f"{found.checks} tries"
        remarks.append(f"{did} by {found.solver} in {duration(found.seconds)}, {tries}.")
    return remarks


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _numbered(k: int, width: int, lines: Sequence[str]) -> list[str]:
    lead = f"  {str(k).rjust(width)}  "
    rest = " " * len(lead)
    return [lead + lines[0], *(rest + x for x in lines[1:])]


def _stated(file: str, line: int, source: str, told: set[str]) -> str:
    """A statement with its place; one that was shown already is named by its place alone."""
    place = f"{file}:{line}"
    if place in told:
        return f"{place}, as above"
    told.add(place)
    return f"{place}: {_cut(source)}"


def _member(m: Member, told: set[str]) -> list[str]:
    what = {
        "limit": f"limit {m.named}",
        "chance": f"chance {m.named}: {m.about}",
        "initial": f"initial value: {m.named} {m.about}",
        "range": f"range: {m.named} is {m.about}",
        "nonnegative": f"compartment: {m.named} {m.about}",
    }[m.kind]
    lines = [what]
    if m.description:
        lines[0] += f'  "{m.description}"'
    lines.append(_stated(m.file, m.line, m.source, told))
    sides = _sides(m)
    if sides:
        lines += wrap(sides, WIDTH - 5)
    lines += [_cell(c) for c in m.cells[:MOST_CELLS]]
    if len(m.cells) > MOST_CELLS:
        lines.append(f"and {len(m.cells) - MOST_CELLS} more cells; --json has them all")
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SOURCE else f"{text[: MOST_SOURCE - 3]}..."


def _with_unit(value: float | None, unit: str) -> str:
    return f"{number(value, 7)} {unit}".rstrip()


def _sides(m: Member) -> str:
    """What both sides are, as a sentence."""
    left, right = _with_unit(m.left, m.unit), _with_unit(m.right, m.unit)
    if not m.operator:
        return ""
    if m.off is None:
        return _example(m, left, right)
    if m.kind != "limit":
        way = "or more" if m.operator == "<=" else "or less"
        return f"with the others it is {left} {way}"
    off = _with_unit(m.off, m.unit)
    if m.operator == "==":
        return f"with the others the two sides differ by {off} or more"
    if not m.fixed:
        what = "too large" if m.operator == "<=" else "too small"
        return f"with the others the left side is {what} by {off} or more"
    moving, value, other = ("left", left, right) if m.fixed == "right" else ("right", right, left)
    rises = (m.operator == "<=") == (moving == "left")
    way = "or more" if rises else "or less"
    return f"with the others the {moving} side is {value} {way}; the {m.fixed} side is {other}"


def _example(m: Member, left: str, right: str) -> str:
    """What is known of the sides where nothing is proven about how far they are apart."""
    if m.kind != "limit":
        return ""
    if m.left is not None and m.right is not None:
        sides = f"{left} on the left and {right} on the right"
        return f"without it the others hold, for example with {sides}"
    return f"the {m.fixed} side is {left if m.fixed == 'left' else right}" if m.fixed else ""


def _cell(c: Cell) -> str:
    text = f"{c.name} = {_with_unit(c.value, c.unit)}"
    if not c.file:
        return f"{text}  (set from outside)"
    if not c.column:
        return f"{text}  ({c.file}:{c.row})"
    return f"{text}  ({c.file}, row {c.row}, column '{c.column}')"


# --- loosening -----------------------------------------------------------------------------------


def loosening_lines(found: Loosening) -> list[str]:
    """The part of a report that says what to loosen."""
    if found.status == "impossible":
        return wrap(
            "No loosening of limits or ranges helps: flows, initial values and compartments that "
            "cannot be negative conflict by themselves.",
            WIDTH,
        )
    if found.status == "unknown":
        why = f": {found.message}" if found.message else " in the time"
        return wrap(f"No loosening of limits was found{why}.", WIDTH)
    what = "limits" if not found.ranges else "limits and ranges (limits alone do not suffice)"
    cost = percent(found.cost)
    if found.status == "cheapest":
        head = (
            f"The cheapest loosening of {what}, each measured by its own size; {cost} in all, "
            "and no other costs less."
        )
    else:
        least = percent(max(found.bound, 0.0)) if found.bound is not None else "0 %"
        head = (
            f"A loosening of {what}, each measured by its own size; {cost} in all. It is proven "
            f"only that none costs less than {least}."
        )
    lines = wrap(head, WIDTH)
    groups: dict[object, list[Loosened]] = {}
    for i in found.items:
        same = (i.kind, i.name, i.side, i.before, number(i.amount, 7))
        groups.setdefault(same, []).append(i)
    shown = list(groups.values())[:MOST_MEMBERS]
    width = len(str(len(shown)))
    told: set[str] = set()
    for k, rows in enumerate(shown, 1):
        lines += ["", *_numbered(k, width, _items(rows, told))]
    if len(groups) > len(shown):
        lines += ["", f"  and {len(groups) - len(shown)} more; --json has them all"]
    return lines


def _items(rows: Sequence[Loosened], told: set[str]) -> list[str]:
    """Rows of one limit that are loosened in the same way."""
    i, unit = rows[0], rows[0].unit
    by = f"by {_with_unit(i.amount, unit)} ({percent(i.share)} of its size)"
    if i.before is not None and i.after is not None:
        by = f"{i.side} from {number(i.before, 7)} to {_with_unit(i.after, unit)}, {by}"
    lines = [f"{i.kind} {i.named}" + (f'  "{i.description}"' if i.description else "")]
    if len(rows) > 1:
        others = "1 other row" if len(rows) == 2 else f"{len(rows) - 1} other rows, up to"
        lines[0] += f", and in the same way {others} {rows[-1].named}"
    return [*lines, _stated(i.file, i.line, i.source, told), *wrap(by, WIDTH - 5)]


# --- no bound ------------------------------------------------------------------------------------


def escape_lines(found: Escape) -> list[str]:
    """The part of a report that names the decisions that escape."""
    if not found.decisions:
        return wrap(
            "Why: no decision was found that goes away without end in the linear relaxation.", WIDTH
        )
    count = len(found.decisions)
    what = "this decision goes" if count == 1 else f"these {count} decisions go, together,"
    lines = wrap(f"Why: {what} away without end, and the objective gets better all the way.", WIDTH)
    shown = found.decisions[:MOST_MEMBERS]
    for d in shown:
        lines += ["", f"  {_way(d)}", f"  {d.file}:{d.line}: {_cut(d.source)}"]
    if count > len(shown):
        lines += ["", f"  and {count - len(shown)} more; --json has them all"]
    first = found.decisions[0]
    for t in found.terms:
        verb = "raises" if t.rate > 0 else "lowers"
        about = f'  "{t.description}"' if t.description else ""
        step = f"{number(abs(t.rate), 5)} for each {first.unit or 'unit'}"
        lines += ["", f"  It {verb} the term {t.name} by {step}{about}"]
    end = "in LOW .. HIGH" if count > 1 else ("in 0 .. HIGH" if first.rate > 0 else "in LOW .. 0")
    lines += ["", f"Give it a finite range (`{end}`), or a limit that holds it."]
    if not found.shown:
        lines += wrap(
            "This is what the linear relaxation says; that all limits hold far out was not shown.",
            WIDTH,
        )
    return lines


def _way(d: Escaping) -> str:
    verb = "grows" if d.rate > 0 else "falls"
    speed = "" if abs(abs(d.rate) - 1) < 1e-9 else f" ({number(abs(d.rate), 4)} times as fast)"
    about = f'  "{d.description}"' if d.description else ""
    return f"{d.named} {verb} without end{speed}{about}"

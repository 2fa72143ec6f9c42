"""The checker of proofs: what holds is accepted, and nothing that does not hold."""

from __future__ import annotations

import gzip
import itertools
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.proof import checker
from allocc.proof.checker import Refused, Verdict, check

ROUNDING_MPS = """\
NAME rounding
OBJSENSE
    MIN
ROWS
 N cost
 G C1
 L C2
COLUMNS
 M1 'MARKER' 'INTORG'
 x cost 1
 x C1 4
 x C2 4
 y cost 1
 y C1 1
 y C2 -1
 M2 'MARKER' 'INTEND'
RHS
 RHS cost -5
 RHS C1 1
 RHS C2 2
BOUNDS
 MI BND x
 UP BND x 9
 MI BND y
 UP BND y 9
ENDATA
"""
ROUNDING = """\
% two rounded cuts
VER 1.0
VAR 2 x y
INT 2 0 1
OBJ min 2 0 1 1 1
CON 2 0
C1 G 1 2 0 4 1 1
C2 L 2 2 0 4 1 -1
RTP range 1 1
SOL 2
feasible 2 0 1 1 2
best 1 1 1
DER 4
half G -1/2 1 1 1 { lin 2 0 1/2 1 -1/2 } 3
up G 0 1 1 1 { rnd 1 2 1 } 4
quarter G 1/4 OBJ { lin 2 0 1/4 3 3/4 } 5
one G 1 OBJ { rnd 1 4 1 } -1
"""
SPLIT_MPS = """\
NAME split
OBJSENSE
    MIN
ROWS
 N cost
 G C1
 L C2
COLUMNS
 M1 'MARKER' 'INTORG'
 x C1 2
 x C2 2
 y cost 1
 y C1 1
 y C2 -3
 M2 'MARKER' 'INTEND'
RHS
 RHS C1 1
 RHS C2 1
BOUNDS
 MI BND x
 UP BND x 9
 MI BND y
 UP BND y 9
ENDATA
"""
SPLIT = """\
VER 1.0
VAR 2
x y
INT 2
1 0
OBJ min
1 1 1
CON 2 0
C1 G 1 2 0 2 1 1
C2 L 1 2 0 2 1 -3
RTP range 1 inf
SOL 1
best 1 1 1
DER 5
left L 0 1 0 1
{ asm } -1
right G 1 1 0 1 { asm } -1
below G 1 OBJ { lin 2 0 1 2 -2 } 6
above G 1 OBJ { rnd 2 1 -1/3 3 2/3 } 6
both G 1 OBJ { uns 4 2 5 3 } -1
"""
NONE_MPS = """\
NAME none
OBJSENSE
    MIN
ROWS
 N cost
 G C1
 L C2
 L C3
COLUMNS
 M1 'MARKER' 'INTORG'
 x C1 2
 x C2 3
 x C3 -1
 y C1 3
 y C2 -4
 y C3 6
 M2 'MARKER' 'INTEND'
RHS
 RHS C1 1
 RHS C2 2
 RHS C3 3
BOUNDS
 MI BND x
 UP BND x 9
 MI BND y
 UP BND y 9
ENDATA
"""
NONE = """\
VER 1.0
VAR 2
x y
INT 2
0 1
OBJ min
0
CON 3 0
C1 G 1 2 0 2 1 3
C2 L 2 2 0 3 1 -4
C3 L 3 2 0 -1 1 6
RTP infeas
SOL 0
DER 11
A1 L 0 1 0 1 { asm } -1
A2 G 1 1 0 1 { asm } -1
A3 L 0 1 1 1 { asm } -1
C4 G 1 0 { lin 3 0 1 3 -2 5 -3 } 12
A4 G 1 1 1 1 { asm } -1
C5 G 1 0 { lin 3 2 -1/3 3 -1/3 7 2 } 12
C6 G 1/4 1 1 1 { lin 2 1 -1/4 4 3/4 } 10
C7 G 1 1 1 1 { rnd 1 9 1 } 11
C8 G 1 0 { lin 3 1 -1/3 2 -1 10 14/3 } 13
C9 G 1 0 { uns 6 5 8 7 } 13
C10 G 1 0 { uns 11 4 12 3 } -1
"""
PRODUCT_MPS = """\
NAME product
OBJSENSE
    MIN
ROWS
 N cost
 E area
COLUMNS
 w cost 1
 w area 1
 a cost 0
 b cost 0
RHS
BOUNDS
 FR BND w
 LO BND a 1
 UP BND a 3
 LO BND b 2
 UP BND b 5
QCMATRIX area
 a b -0.5
 b a -0.5
ENDATA
"""
PRODUCT = """\
% reason beyond VIPR 1.0: mul
VER 1.0
VAR 3 w a b
INT 0
OBJ min 1 0 1
CON 2 2
low_a G 1 1 1 1
low_b G 2 1 2 1
RTP range 2 2
SOL 1
corner 3 0 2 1 1 2 2
DER 2
corner L 2 3 0 -1 1 2 2 1 { mul 0 1 area } 3
least G 2 OBJ { lin 3 2 -1 0 2 1 1 } -1
"""
CUTOFF_MPS = ROUNDING_MPS.replace("UP BND x 9", "UP BND x 4").replace("MIN", "MAX")
CUTOFF = """\
VER 1.0
VAR 2 x y
INT 2 0 1
OBJ max 2 0 1 1 1
CON 3 1
high_y L 9 1 1 1
C2 L 2 2 0 4 1 -1
C1 G 1 2 0 4 1 1
RTP range 11 11
SOL 1
best 2 0 2 1 9
DER 5
more G 12 OBJ { sol } -1
third L 11/4 1 0 1 { lin 2 0 1/4 1 1/4 } -1
two L 2 1 0 1 { rnd 1 4 1 } -1
none G 1 0 { lin 3 3 1 5 -1 0 -1 } -1
eleven L 11 OBJ { lin 1 6 1 } -1
"""


MIN = "OBJSENSE\n    MIN\n"


def value_of(x: int, y: int) -> bool:
    return 4 * x + y >= 1 and 4 * x - y <= 2


#: An auditor reads it in an hour.
LINES = 300
BOX = list(itertools.product(range(-9, 10), repeat=2))
#: Program, proof, and the values of all its points, each with the objective's constant.
CASES = {
    "rounding": (ROUNDING_MPS, ROUNDING, [x + y + 5 for x, y in BOX if value_of(x, y)]),
    "split": (
        SPLIT_MPS,
        SPLIT,
        [y for x, y in BOX if 2 * x + y >= 1 and 2 * x - 3 * y <= 1],
    ),
    "none": (NONE_MPS, NONE, list[int]()),
    "product": (PRODUCT_MPS, PRODUCT, [2, 15]),
    "cutoff": (CUTOFF_MPS, CUTOFF, [x + y + 5 for x, y in BOX if x <= 4 and value_of(x, y)]),
}


def judge(folder: Path, program: str, proof: str | bytes) -> Verdict:
    (folder / "program.mps").write_text(program, "ascii")
    (folder / "proof.vipr").write_bytes(proof if isinstance(proof, bytes) else proof.encode())
    return check(folder / "program.mps", folder / "proof.vipr")


def is_true(found: Verdict, values: list[int]) -> bool:
    """Whether what a verdict says holds for the program with these values."""
    if found.infeasible:
        return not values
    if found.bound is None:
        return True
    best = min(values) if found.sense == "min" else max(values)
    return found.bound <= best if found.sense == "min" else found.bound >= best


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_proof_holds(tmp_path: Path, name: str, zipped: bool) -> None:
    program, proof, values = CASES[name]
    found = judge(tmp_path, program, gzip.compress(proof.encode()) if zipped else proof)
    assert is_true(found, values)
    if values:
        best = max(values) if found.sense == "max" else min(values)
        assert found.bound == best
    assert found.infeasible == (not values)
    assert found.derivations == int(proof.split("DER ")[1].split()[0])


@pytest.mark.parametrize("name", CASES)
def test_words_may_be_broken_over_lines(tmp_path: Path, name: str) -> None:
    program, proof, values = CASES[name]
    head = "".join(re.findall("%.*\n", proof))
    words = proof.removeprefix(head).split()
    assert is_true(judge(tmp_path, program, head + "\n".join(words)), values)
    assert is_true(judge(tmp_path, program, head + "  ".join(words)), values)


@pytest.mark.parametrize("name", CASES)
def test_a_changed_number_is_refused_or_says_less(tmp_path: Path, name: str) -> None:
    """Whatever number of a proof is changed: what is still accepted is true."""
    program, proof, values = CASES[name]
    refused = accepted = 0
    whole = judge(tmp_path, program, proof)
    for place in re.finditer(r"(?<![\w/-])-?\d+(/\d+)?(?![\w/.])", proof):
        old = Fraction(place[0])
        new = {old + 1, old - 1, -old, old * 2, old + Fraction(1, 10**9), Fraction(0), old / 3}
        for number in sorted(new - {old}):
            changed = f"{proof[: place.start()]}{number}{proof[place.end() :]}"
            try:
                found = judge(tmp_path, program, changed)
            except Refused:
                refused += 1
                continue
            accepted += 1
            assert is_true(found, values), changed
            assert found.infeasible == whole.infeasible
            if found.bound is not None and whole.bound is not None:
                sign = 1 if found.sense == "min" else -1
                assert (whole.bound - found.bound) * sign >= 0, changed
    assert refused > 2 * accepted


@pytest.mark.parametrize("name", CASES)
def test_a_dropped_word_is_refused(tmp_path: Path, name: str) -> None:
    program, proof, _values = CASES[name]
    head = "".join(re.findall("%.*\n", proof))
    words = proof.removeprefix(head).split()
    for k in range(len(words)):
        with pytest.raises(Refused):
            judge(tmp_path, program, head + " ".join(words[:k] + words[k + 1 :]))


def test_a_bound_one_unit_in_the_last_place_too_high_is_refused(tmp_path: Path) -> None:
    digits = "1.0000000000000002"
    for proof in (
        SPLIT.replace("range 1 inf", f"range {digits} inf").replace("SOL 1\nbest 1 1 1", "SOL 0"),
        SPLIT.replace("both G 1 OBJ", f"both G {digits} OBJ"),
        SPLIT.replace("below G 1 OBJ", f"below G {digits} OBJ"),
    ):
        with pytest.raises(Refused):
            judge(tmp_path, SPLIT_MPS, proof)


@pytest.mark.parametrize("one", CASES)
@pytest.mark.parametrize("other", CASES)
def test_a_proof_for_another_program_is_refused(tmp_path: Path, one: str, other: str) -> None:
    if one != other:
        with pytest.raises(Refused):
            judge(tmp_path, CASES[one][0], CASES[other][1])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" N cost", " N cost\n L other"),
        ("C1 4", "C1 4.000000000000001"),
        ("C1 1\n RHS", "C1 1.5\n RHS"),
        (" G C1", " L C1"),
        (" x cost 1", " x cost 2"),
        ("'INTEND'", "'INTORG'\n z cost 0"),
        ("x C2 4\n", "x C2 4\n M3 'MARKER' 'INTEND'\n"),
        ("MIN", "MAX"),
        (" y C2 -1", " y C2 -1.0e-1"),
    ],
)
def test_a_changed_program_is_refused_or_its_own(tmp_path: Path, old: str, new: str) -> None:
    assert old in ROUNDING_MPS
    changed = ROUNDING_MPS.replace(old, new, 1)
    if "other" in new:  # a row that the proof does not need
        assert judge(tmp_path, changed, ROUNDING).rows == 3
        return
    with pytest.raises(Refused):
        judge(tmp_path, changed, ROUNDING)


def test_a_proof_may_state_less_than_the_program(tmp_path: Path) -> None:
    weaker = ROUNDING.replace("C1 G 1 2", "C1 G 1/2 2").replace("half G -1/2", "half G -3/4")
    weaker = weaker.replace("quarter G 1/4", "quarter G 1/8")
    assert judge(tmp_path, ROUNDING_MPS, weaker).bound == 6
    with pytest.raises(Refused, match="C2"):
        judge(tmp_path, ROUNDING_MPS, ROUNDING.replace("C2 L 2 2", "C2 L 1 2"))
    with pytest.raises(Refused, match="C2"):
        judge(tmp_path, ROUNDING_MPS, ROUNDING.replace("C2 L 2 2", "C2 G 2 2"))


@pytest.mark.parametrize(
    ("sides", "accepted"),
    [
        (" E C1\n", {"L 3", "G 3", "E 3", "L 4", "G 2"}),
        (" L C1\n", {"L 3", "L 4"}),
        (" G C1\n", {"G 3", "G 2"}),
        (" L C1\nR 1", {"L 3", "L 4", "G 2"}),
        (" L C1\nR 0.5", {"L 3", "L 4", "G 2"}),
    ],
)
def test_sides_of_rows_and_ranges(tmp_path: Path, sides: str, accepted: set[str]) -> None:
    row, _, width = sides.partition("R ")
    program = f"{MIN}ROWS\n N cost\n{row}COLUMNS\n x cost 1\n x C1 1\nRHS\n RHS C1 3\n"
    program += f"RANGES\n RNG C1 {width}\nENDATA\n" if width else "ENDATA\n"
    for side in ("L 2", "L 3", "L 4", "G 2", "G 3", "G 4", "E 3", "E 2"):
        proof = f"VER 1.0 VAR 1 x INT 0 OBJ min 1 0 1 CON 1 0 C1 {side} 1 0 1 RTP range -inf inf "
        proof += "SOL 0 DER 0"
        if side in accepted:
            assert judge(tmp_path, program, proof).bound is None
        else:
            with pytest.raises(Refused, match="C1"):
                judge(tmp_path, program, proof)


@pytest.mark.parametrize(
    ("bounds", "accepted"),
    [
        ("", {"G 0"}),
        (" LO BND x 0\n UP BND x 1", {"G 0", "L 1"}),
        (" LO BND x 1", {"G 0", "G 1"}),
        (" FX BND x 1", {"G 0", "G 1", "L 1", "E 1"}),
        (" FR BND x", set()),
        (" MI BND x\n UP BND x -1", {"L -1", "L 1"}),
        (" BV BND x", {"G 0", "L 1"}),
        (" LO BND x 1e-1\n PL BND x", {"G 0"}),
    ],
)
def test_bounds_of_columns(tmp_path: Path, bounds: str, accepted: set[str]) -> None:
    whole, marker = ("1 0", " M 'MARKER' 'INTORG'\n") if "BV" in bounds else ("0", "")
    program = f"{MIN}ROWS\n N cost\nCOLUMNS\n{marker} x cost 1\nBOUNDS\n{bounds}\nENDATA\n"
    for side in ("G -1", "G 0", "G 1", "L 1", "L -1", "E 1"):
        proof = f"VER 1.0 VAR 1 x INT {whole} OBJ min 1 0 1 CON 1 1 b {side} 1 0 1 "
        proof += "RTP range -inf inf SOL 0 DER 0"
        if side in accepted or (side == "G -1" and "G 0" in accepted):
            assert judge(tmp_path, program, proof).columns == 1
        else:
            with pytest.raises(Refused, match="b is no side"):
                judge(tmp_path, program, proof)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("BOUNDS", "BOUNDS\n LO BND x 0\n LO BND x 0", "second time"),
        (" MI BND x\n UP BND x 9", " UP BND x -9", "after LO or MI"),
        (" MI BND x\n UP BND x 9", " UP BND x 9", "after LO or MI"),
        (" UP BND x 9", " UP BND z 9", "z is not there"),
        (" UP BND x 9", " UP B x 9", "cannot stand"),
        (" UP BND x 9", " UP x 9", "cannot stand"),
        (" UP BND x 9", " UP BND x", "cannot stand"),
        (" MI BND x", " MI BND x 5", "cannot stand"),
        (" MI BND x", " MI B x", "cannot stand"),
        (" UP BND x 9", " UP BND x inf", "not a number"),
        (" UP BND x 9", " UP BND x 1/2", "fraction"),
        (" UP BND x 9", " UP BND x 1e999999999", "not a number"),
        (" UP BND x 9", " UP BND x " + "9" * 10**6, "not a number"),
        (" UP BND x 9", " UI BND x 9", "cannot stand"),
        (" MI BND x", " LI BND x 9", "cannot stand"),
        (" M2 'MARKER' 'INTEND'", " M2 'MARKER' 'INTEND'\n z cost 0", "BV BND z"),
        (" x C2 4", " x C1 4 C2 4", "cannot stand"),
        (" x C2 4", " x C2 4\n x C2 4", "second time"),
        (" x C2 4", " x C9 4", "C9 is not there"),
        (" G C1", " G C1\n L C1", "second time"),
        (" x C2 4", " M3 'MARKER' 'INTEND'\n x C2 4", "only a part of x"),
        (" RHS cost -5", " RHS C1 1 cost -5", "cannot stand"),
        (" RHS C2 2", " S C2 2", "cannot stand"),
        (" RHS C2 2", " RHS C2 2\n RHS C2 2", "second time"),
        ("RHS\n", "SOS\nRHS\n", "cannot stand"),
        ("ENDATA", "", "ENDATA"),
        ("ENDATA", "ENDATA\nRHS", "cannot stand"),
        ("ENDATA", "RANGES\n RNG cost 1\nENDATA", "cannot stand"),
        ("ENDATA", "RANGES\n RNG C1 1\nENDATA", "cannot stand"),
        ("ENDATA", "RANGES\n RNG C2 -1\nENDATA", "cannot stand"),
        (" N cost", " N cost\n N other", "objective"),
        (" N cost\n G C1", " E cost\n G C1", "objective"),
        ("ENDATA", "QCMATRIX C1\n x y 1\nENDATA", "not symmetric"),
        ("ENDATA", "QCMATRIX C1\n x y 1\n y x 2\nENDATA", "not symmetric"),
        ("ENDATA", "QCMATRIX C1\n x x 1\n x x 2\nENDATA", "second time"),
        ("ENDATA", "QCMATRIX cost\n x x 1\nENDATA", "cannot stand"),
        ("NAME rounding", "NAME r\u00f6unding", "ascii"),
        ("OBJSENSE\n    MIN\n", "", "OBJSENSE"),
        ("    MIN\n", "    MIN\n    MAX\n", "cannot stand"),
        ("OBJSENSE\n    MIN\n", "OBJSENSE MIN\n", "cannot stand"),
    ],
)
def test_a_program_that_cannot_be_read(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ROUNDING_MPS
    changed = ROUNDING_MPS.replace(old, new, 1)
    if "BV" in message:
        changed = changed.replace("ENDATA", " BV BND z\nENDATA")
    (tmp_path / "p.mps").write_text(changed, "utf-8")
    (tmp_path / "p.vipr").write_text(ROUNDING, "ascii")
    with pytest.raises(Refused, match=message) as why:
        check(tmp_path / "p.mps", tmp_path / "p.vipr")
    assert str(why.value).startswith("p.mps")
    assert len(str(why.value)) < 300


ZEROS = gzip.compress(b"0" * 10**7, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "ends too early"),
        (b"\x1f\x8b", "ended before|end-of-stream"),
        (b"\x1f\x8b\x00\x00 not zipped", "compression method"),
        (gzip.compress(ROUNDING.encode())[:-30], "end-of-stream"),
        (gzip.compress(ROUNDING.encode())[:-8] + b"12345678", "CRC"),
        (gzip.compress(ROUNDING.encode()) + b"more", "gzip"),
        (ROUNDING.encode()[:-40], "ends too early"),
        (ZEROS, "line 1 is too long"),
        (gzip.compress(b"0 " * 10**6), "expected, not '0'"),
        (gzip.compress(b"0 " * 10**7), "line 1 is too long"),
        (gzip.compress(ROUNDING.split("SOL")[0].encode() + b"SOL 9999999 " + b"0 " * 10**6),
         "outside"),
        (gzip.compress(b" " * 10**7), "line 1 is too long"),
        (gzip.compress(b"\n" * 10**5), "ends too early"),
        (gzip.compress(b"%" + b"0" * 10**7), "too long"),
        (b"\xff\xfe" + ROUNDING.encode(), "ascii"),
        (ROUNDING.encode() + b"more", "text after"),
        (ROUNDING.encode() + b"\n% comment\n", "text after"),
        (ROUNDING.replace("VER 1.0", "VER 1.1").encode(), "'1.0' expected"),
    ],
)  # fmt: skip
def test_files_that_are_no_proofs(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message) as why:
        judge(tmp_path, ROUNDING_MPS, text)
    assert len(str(why.value)) < 300


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("VAR 2", "VAR 3", "expected"),
        ("VAR 2 x y", "VAR 2 y x", "'x' expected, not 'y'"),
        ("INT 2", "INT 1", "expected"),
        ("INT 2 0 1", "INT 2 0 0", "integer columns"),
        ("OBJ min", "OBJ max", "'min' expected"),
        ("OBJ min 2 0 1 1 1", "OBJ min 2 0 1 0 1", "index twice"),
        ("OBJ min 2", "OBJ min -2", "not a count"),
        ("OBJ min 2", "OBJ min 1000000000", "entries"),
        ("CON 2 0", "CON 3 0", "not L, E or G|not a number"),
        ("CON 2 0", "CON 1 0", "'RTP' expected"),
        ("CON 2 0", "CON -2 0", "not a count"),
        ("CON 2 0", "CON 2 -1", "not a count"),
        ("C2 L 2", "C1 L 2", "side"),
        ("C2 L 2", "C2 X 2", "not L, E or G"),
        ("C2 L 2", "C2 L 2/0", "not a number"),
        ("C2 L 2", "C2 L 2/-1", "not a number"),
        ("C2 L 2", "C2 L 1e999999999", "not a number"),
        ("C2 L 2", "C2 L 2_0", "not a number"),
        ("C2 L 2", "C2 L nan", "not a number"),
        ("C2 L 2 2", "C9 L 2 2", "C9 is no side"),
        ("C2 L 2", f"C2 L {'9' * 10**6}", "not a number"),
        ("C2 L 2", f"C2 L {'9' * 3999}x", "not a number"),
        ("RTP range 1 1", "RTP infeas", "denies"),
        ("RTP range 1 1", "RTP range inf 1", "not a number"),
        ("RTP range 1 1", "RTP range 1 0", "as good as"),
        ("RTP range 1 1", "RTP optimal", "'range' expected"),
        ("feasible 2 0 1 1 2", "feasible 2 0 1 1 1", "feasible is outside"),
        ("feasible 2 0 1 1 2", "feasible 2 0 1/2 1 2", "not whole"),
        ("feasible 2 0 1 1 2", "feasible 2 0 1 1 10", "feasible is outside"),
        ("lin 2 0 1/2 1 -1/2", "lin 2 0 1/2 1 1/2", "wrong sign"),
        ("lin 2 0 1/2 1 -1/2", "lin 2 0 1/2 0 -1/2", "index twice"),
        ("lin 2 0 1/2 1 -1/2", "lin 2 0 1/2 2 -1/2", "below 2"),
        ("lin 2 0 1/2 1 -1/2", "lin 2 0 1/2 -1 -1/2", "not a count"),
        ("lin 2 0 1/2 1 -1/2 }", "lin 1 0 1/2 1 -1/2 }", "'}' expected"),
        ("} 3", "} 2", "not any more"),
        ("} 3", "} -2", "not a count"),
        ("rnd 1 2 1", "rnd 1 0 1/2", "rounded"),
        ("rnd 1 2 1", "lin 1 2 1", "does not follow"),
        ("rnd 1 2 1", "abc 1 2 1", "'abc'"),
        ("rnd 1 2 1", "mul 0 0 C1", "bounds of one column"),
        ("one G 1 OBJ { rnd 1 4 1 }", "one G 1 OBJ { asm }", "assumes something"),
        ("one G 1 OBJ { rnd 1 4 1 }", "one G 1/2 OBJ { rnd 1 4 1 }", "imply the claim"),
        ("one G 1 OBJ { rnd 1 4 1 }", "one L 1 OBJ { sol }", "imply the claim"),
        ("DER 4", "DER 5", "ends too early"),
        ("DER 4", "DER 3", "text after"),
        ("DER 4", "DERIVED 4", "'DER' expected"),
    ],
)
def test_a_broken_proof(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ROUNDING
    with pytest.raises(Refused, match=message) as why:
        judge(tmp_path, ROUNDING_MPS, ROUNDING.replace(old, new, 1))
    assert str(why.value).startswith("proof.vipr") and len(str(why.value)) < 300


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("left L 0", "left L -1/2", "split"),
        ("left L 0", "left L -1", "split"),
        ("left L 0 1 0 1", "left L 0 1 0 3/2", "does not follow|split"),
        ("left L 0 1 0 1", "left L 0 0", "does not follow|split"),
        ("uns 4 2 5 3", "uns 4 3 5 2", "assumes something"),
        ("uns 4 2 5 3", "uns 4 2 4 3", "assumes something"),
        ("uns 4 2 5 3", "uns 4 2 5 6", "not there"),
        ("uns 4 2 5 3", "uns 4 2 5 2", "split"),
        ("{ asm } -1\nright", "{ asm } 5\nright", "not any more"),
    ],
)
def test_a_broken_split(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SPLIT
    with pytest.raises(Refused, match=message):
        judge(tmp_path, SPLIT_MPS, SPLIT.replace(old, new, 1))


def test_a_split_into_two_absurdities_proves_nothing(tmp_path: Path) -> None:
    head = SPLIT[: SPLIT.index("DER")].replace("range 1 inf", "range 7 inf")
    head = head.replace("SOL 1\nbest 1 1 1", "SOL 0")
    for right in ("right G 3 0", "right G 100 1 0 1", "right G -4 1 0 1"):
        proof = f"{head}DER 5 left L -5 0 {{ asm }} -1 {right} {{ asm }} -1 a G 7 OBJ {{ lin 1 2 1 "
        proof += "} -1 b G 7 OBJ { lin 1 3 1 } -1 c G 7 OBJ { uns 4 2 5 3 } -1"
        with pytest.raises(Refused, match="split|does not follow"):
            judge(tmp_path, SPLIT_MPS, proof)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mul 0 1 area", "mul 0 1 cost", "not there"),
        ("mul 0 1 area", "mul 0 0 area", "product of these columns"),
        ("mul 0 1 area", "mul 0 2 area", "not there"),
        ("corner L 2 3", "corner L 1 3", "does not follow"),
        ("corner L 2 3", "corner E 2 3", "does not follow"),
        ("low_a G 1 1 1 1", "area E 0 1 0 1", "no side"),
        ("SOL 1\ncorner 3 0 2", "SOL 1\ncorner 3 0 3", "corner is outside"),
    ],
)
def test_a_broken_product(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PRODUCT
    with pytest.raises(Refused, match=message):
        judge(tmp_path, PRODUCT_MPS, PRODUCT.replace(old, new, 1))


TOUCHING_MPS = f"""\
{MIN}ROWS
 N cost
 G low
 G high
COLUMNS
 t cost 1
 t low 1
 t high 1
 x low 1
 x high -1
RHS
 RHS low 0.5
 RHS high -0.5
BOUNDS
 FR BND t
 LO BND x 0
 UP BND x 1
ENDATA
"""
TOUCHING = """\
VER 1.0 VAR 2 t x INT 0 OBJ min 1 0 1 CON 2 0
low G 1/2 2 0 1 1 1
high G -1/2 2 0 1 1 -1
RTP range 0 inf SOL 0 DER 6
left L {left} 1 1 1 {{ asm }} -1
right G {right} 1 1 1 {{ asm }} -1
one G {one} OBJ {{ lin 2 0 1 2 -1 }} -1
two G {two} OBJ {{ lin 2 1 1 3 1 }} -1
both G {both} OBJ {{ uns 4 2 5 3 }} -1
last G 0 OBJ {{ lin 1 6 1 }} -1
"""


@pytest.mark.parametrize(("left", "right"), [("1/2", "1/2"), ("1/2", "1/3"), ("1/2", "501/1000")])
def test_the_sides_of_a_split_of_any_column_may_touch_or_overlap(
    tmp_path: Path, left: str, right: str
) -> None:
    one, two = Fraction(1, 2) - Fraction(left), Fraction(right) - Fraction(1, 2)
    proof = TOUCHING.format(left=left, right=right, one=one, two=two, both=min(one, two))
    proof = proof.replace("range 0 inf", f"range {min(one, two)} inf")
    proof = proof.replace("last G 0", f"last G {min(one, two)}")
    if Fraction(right) <= Fraction(left):
        assert judge(tmp_path, TOUCHING_MPS, proof).bound == min(one, two)
    else:
        with pytest.raises(Refused, match="leaves something out"):
            judge(tmp_path, TOUCHING_MPS, proof)


@pytest.mark.parametrize(
    ("left", "right", "accepted"),
    [
        ("L 0 1 0 1", "G 1 1 0 1", True),
        ("L 1/2 1 0 1", "G 1 1 0 1", True),
        ("L 0 1 0 2", "G 1 1 0 2", True),
        ("L 0 OBJ", "G 1 OBJ", True),
        ("L 1/2 OBJ", "G 1/2 OBJ", True),
        ("L -1/2 1 0 1", "G 1 1 0 1", False),
        ("L 0 1 0 1/2", "G 1 1 0 1/2", False),
        ("L 1/2 1 0 1/2", "G 1/2 1 0 1/2", True),
        ("L 0 1 0 1", "G 0 1 0 2", False),
        ("L 0 1 0 1", "L 1 1 0 1", False),
        ("E 0 1 0 1", "G 0 1 0 1", False),
    ],
)
def test_the_sides_of_a_split_leave_nothing_out(
    tmp_path: Path, left: str, right: str, accepted: bool
) -> None:
    head = SPLIT[: SPLIT.index("DER")].replace("range 1 inf", "range -inf inf")
    proof = f"{head}DER 3 left {left} {{ asm }} -1 right {right} {{ asm }} -1 "
    proof += "both G 1 2 0 2 1 1 { uns 0 2 0 3 } -1"
    if accepted:
        assert judge(tmp_path, SPLIT_MPS, proof).bound is None
    else:
        with pytest.raises(Refused, match="leaves something out"):
            judge(tmp_path, SPLIT_MPS, proof)


class Tree:
    """A proof by branching: each leaf is a box where a row cannot hold, or nothing is better."""

    def __init__(self, sense: str, cost: list[Fraction], rows: list[tuple[list[int], str, int]],
                 upper: list[int], wanted: Fraction | None) -> None:  # fmt: skip
        self.sense, self.cost, self.rows, self.wanted = sense, cost, rows, wanted
        self.side = "G" if sense == "min" else "L"
        self.lines: list[str] = []
        self.given = [f"low{j} G 0 1 {j} 1" for j in range(len(upper))]
        self.given += [f"high{j} L {u} 1 {j} 1" for j, u in enumerate(upper)]
        self.bounds = len(self.given)
        for k, (terms, side, right) in enumerate(rows):
            self.given.append(f"r{k} {side} {right} {self.entries(terms)}")
        wide = len(upper)
        self.prove([(0, j, u, wide + j) for j, u in enumerate(upper)])

    @staticmethod
    def entries(values: list[int] | list[Fraction]) -> str:
        kept = [f"{j} {v}" for j, v in enumerate(values) if v]
        return " ".join([str(len(kept)), *kept])

    def add(self, text: str) -> int:
        self.lines.append(f"d{len(self.lines)} {text} -1")
        return len(self.given) + len(self.lines) - 1

    def target(self) -> str:
        return "G 1 0" if self.wanted is None else f"{self.side} {self.wanted} OBJ"

    def prove(self, box: list[tuple[int, int, int, int]]) -> int:
        """The place of a constraint that says what is to be proven in a box."""
        for k, (terms, side, right) in enumerate(self.rows):
            sign = 1 if side == "L" else -1
            ends = [
                (b[0], b[1]) if sign * v > 0 else (b[2], b[3])
                for v, b in zip(terms, box, strict=True)
            ]
            least = sum(v * end for v, (end, _) in zip(terms, ends, strict=True))
            if sign * (least - right) > 0:
                parts = {place: sign * v for v, (_, place) in zip(terms, ends, strict=True) if v}
                parts[self.bounds + k] = -sign
                numbers = " ".join(f"{place} {v}" for place, v in parts.items())
                return self.add(f"G {sign * (least - right)} 0 {{ lin {len(parts)} {numbers} }}")
        sign = 1 if self.sense == "min" else -1
        ends = [
            (b[0], b[1]) if sign * v > 0 else (b[2], b[3])
            for v, b in zip(self.cost, box, strict=True)
        ]
        least = sum((v * end for v, (end, _) in zip(self.cost, ends, strict=True)), Fraction(0))
        if self.wanted is not None and sign * (least - self.wanted) >= 0:
            parts2 = [f"{place} {v}" for v, (_, place) in zip(self.cost, ends, strict=True) if v]
            text = f"{self.side} {least} OBJ {{ lin {len(parts2)} {' '.join(parts2)} }}"
            return self.add(text)
        j = max(range(len(box)), key=lambda i: box[i][2] - box[i][0])
        low, low_at, high, high_at = box[j]
        middle = (low + high) // 2
        left = self.add(f"L {middle} 1 {j} 1 {{ asm }}")
        one = self.prove([*box[:j], (low, low_at, middle, left), *box[j + 1 :]])
        right_ = self.add(f"G {middle + 1} 1 {j} 1 {{ asm }}")
        two = self.prove([*box[:j], (middle + 1, right_, high, high_at), *box[j + 1 :]])
        return self.add(f"{self.target()} {{ uns {one} {left} {two} {right_} }}")


@st.composite
def programs(
    draw: st.DrawFn,
) -> tuple[str, list[Fraction], list[tuple[list[int], str, int]], list[int]]:
    wide = draw(st.integers(1, 3))
    small = st.integers(-4, 4)
    cost = draw(st.lists(small.map(lambda v: Fraction(v, 8)), min_size=wide, max_size=wide))
    row = st.tuples(
        st.lists(small, min_size=wide, max_size=wide), st.sampled_from("LG"), st.integers(-6, 12)
    )
    upper = draw(st.lists(st.integers(0, 3), min_size=wide, max_size=wide))
    return draw(st.sampled_from(["min", "max"])), cost, draw(st.lists(row, max_size=3)), upper


@settings(max_examples=150, deadline=None)
@given(programs(), st.integers(1, 3), st.data())
def test_the_bound_of_a_tree_is_the_optimum(
    tmp_path_factory: pytest.TempPathFactory,
    program: tuple[str, list[Fraction], list[tuple[list[int], str, int]], list[int]],
    step: int,
    data: st.DataObject,
) -> None:
    sense, cost, rows, upper = program
    folder = tmp_path_factory.mktemp("tree")
    values = [
        sum((c * v for c, v in zip(cost, x, strict=True)), Fraction(0))
        for x in itertools.product(*(range(u + 1) for u in upper))
        if all((sum(a * v for a, v in zip(t, x, strict=True)) - r) * (1 if s == "L" else -1) <= 0
               for t, s, r in rows)
    ]  # fmt: skip
    best = (min if sense == "min" else max)(values, default=None)
    mps = f"OBJSENSE\n    {sense.upper()}\nROWS\n N cost\n"
    mps += "".join(f" {s} r{k}\n" for k, (_, s, _) in enumerate(rows))
    mps += "COLUMNS\n M 'MARKER' 'INTORG'\n"
    for j, c in enumerate(cost):
        mps += f" x{j} cost {float(c)}\n"
        mps += "".join(f" x{j} r{k} {t[j]}\n" for k, (t, _, _) in enumerate(rows))
    mps += "RHS\n" + "".join(f" RHS r{k} {r}\n" for k, (_, _, r) in enumerate(rows)) + "BOUNDS\n"
    mps += "".join(f" LO BND x{j} 0\n UP BND x{j} {u}\n" for j, u in enumerate(upper)) + "ENDATA\n"

    def written(wanted: Fraction | None) -> str:
        tree = Tree(sense, cost, rows, upper, wanted)
        claim = f"range {wanted} inf" if sense == "min" else f"range -inf {wanted}"
        names, places = " ".join(f"x{j}" for j in range(len(cost))), range(len(cost))
        return "\n".join(
            [
                f"VER 1.0\nVAR {len(cost)} {names}\nINT {len(cost)} {' '.join(map(str, places))}",
                f"OBJ {sense} {Tree.entries(cost)}\nCON {len(tree.given)} {tree.bounds}",
                *tree.given,
                f"RTP {'infeas' if wanted is None else claim}\nSOL 0\nDER {len(tree.lines)}",
                *tree.lines,
            ]
        )

    proof = written(best)
    found = judge(folder, mps, proof)
    assert (found.bound, found.infeasible) == (best, best is None)
    if best is None:
        return
    better = best + Fraction(step, 8) * (1 if sense == "min" else -1)
    for old in (f"range {best} inf", f"range -inf {best}"):
        if old in proof:
            with pytest.raises(Refused):
                judge(folder, mps, proof.replace(old, old.replace(str(best), str(better))))
    numbers = list(re.finditer(r"(?<![\w/-])-?\d+(/\d+)?(?![\w/.])", proof))
    place = data.draw(st.sampled_from(numbers))
    new = data.draw(st.sampled_from([-3, -2, -1, 1, 2, 3])) + Fraction(place[0])
    try:
        found = judge(folder, mps, f"{proof[: place.start()]}{new}{proof[place.end() :]}")
    except Refused:
        return
    assert not found.infeasible
    assert found.bound is None or (best - found.bound) * (1 if sense == "min" else -1) >= 0


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(checker.__file__), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_runs_alone_and_ends_with_what_it_found(tmp_path: Path) -> None:
    judge(tmp_path, ROUNDING_MPS, ROUNDING)
    program, proof = tmp_path / "program.mps", tmp_path / "proof.vipr"
    found = run(program, proof)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == "the proof holds: no value is below 6\n"
    proof.write_text(ROUNDING.replace("one G 1", "one G 2"))
    found = run(program, proof)
    assert (found.returncode, found.stdout) == (1, "")
    assert "one does not follow" in found.stderr
    found = run(program, tmp_path / "none.vipr")
    assert (found.returncode, found.stdout) == (1, "") and "none.vipr" in found.stderr
    found = run(tmp_path, proof)
    assert (found.returncode, found.stdout) == (1, "")
    assert (run(program).returncode, run(program).stdout) == (1, "")


def test_it_is_short_and_rests_on_the_standard_library_alone() -> None:
    text = Path(str(checker.__file__)).read_text("utf-8")
    assert text.count("\n") <= LINES
    assert "allocc" not in text
    found = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))
    assert found <= sys.stdlib_module_names


def test_a_constraint_is_forgotten_after_its_last_use(tmp_path: Path) -> None:
    head = ROUNDING[: ROUNDING.index("DER")].replace("range 1 1", "range -inf inf")
    ends = [9, 3, 3, -1]
    lines = [f"d{k} G 1 2 0 4 1 1 {{ lin 1 0 1 }} {end}" for k, end in enumerate(ends)]
    program = checker.Program()
    judge(tmp_path, ROUNDING_MPS, f"{head}DER 4\n" + "\n".join(lines))
    program.read(tmp_path / "program.mps")
    proof = checker.Proof(program)
    proof.read(tmp_path / "proof.vipr")
    assert sorted(proof.constraints) == [0, 1, 2, 5]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_in_the_files_they_are_true_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Words of both files are dropped, doubled, swapped or replaced: never is there a traceback."""
    name = data.draw(st.sampled_from(sorted(CASES)))
    program, proof, values = CASES[name]
    changes_program = data.draw(st.booleans())
    parts = re.split(r"(\s+)", program if changes_program else proof)
    for _ in range(data.draw(st.integers(1, 3))):
        k = data.draw(st.integers(0, len(parts) - 1))
        other = data.draw(
            st.sampled_from([*parts, "1e999", "-", "1/0", "", "\x00", "OBJ", "E", "{"])
        )
        parts[k : k + 1] = data.draw(st.sampled_from([[other], [parts[k], other], []]))
    changed = "".join(parts)
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        found = judge(folder, *((changed, proof) if changes_program else (program, changed)))
    except Refused:
        return
    assert changes_program or is_true(found, values)


def test_a_large_file_of_nothing_is_refused_after_its_first_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    readline = gzip.GzipFile.readline

    def counted(file: gzip.GzipFile, size: int | None = -1) -> bytes:
        taken.append(size)
        return readline(file, size)

    monkeypatch.setattr(gzip.GzipFile, "readline", counted)
    judge(tmp_path, ROUNDING_MPS, ROUNDING)
    for text in (b"0", b"0 ", b" ", b"%"):
        (tmp_path / "zeros.gz").write_bytes(gzip.compress(text * 2**25, 1))
        taken.clear()
        with pytest.raises(Refused):
            check(tmp_path / "program.mps", tmp_path / "zeros.gz")
        assert taken == [checker.LONGEST]


def test_numbers_do_not_grow_without_end(tmp_path: Path) -> None:
    """Many long denominators have no short common one."""
    primes = [10**900 + k for k in range(1, 9, 2)]
    lines = " ".join(f"{k} 1/{prime}" for k, prime in enumerate(primes[:2]))
    proof = ROUNDING.replace("lin 2 0 1/2 1 -1/2", f"lin 2 {lines}")
    with pytest.raises(Refused, match="common denominator is too long"):
        judge(tmp_path, ROUNDING_MPS, proof)


HALVES = st.integers(-6, 6).map(lambda v: Fraction(v, 2))
BOUNDS = st.tuples(st.sampled_from("LGE"), HALVES, HALVES.filter(bool))


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(BOUNDS, BOUNDS), st.booleans(), st.tuples(*[HALVES.filter(bool)] * 2, HALVES, HALVES),
    st.lists(st.tuples(HALVES, HALVES), min_size=5, max_size=20),
)  # fmt: skip
def test_a_product_of_bounds_holds_wherever_they_do(
    tmp_path_factory: pytest.TempPathFactory,
    bounds: tuple[tuple[str, Fraction, Fraction], tuple[str, Fraction, Fraction]],
    square: bool,
    row: tuple[Fraction, Fraction, Fraction, Fraction],
    points: list[tuple[Fraction, Fraction]],
) -> None:
    folder = tmp_path_factory.mktemp("product")
    weight, product, linear, right = row
    other = "a" if square else "b"
    entries = [("a", other, product if square else product / 2)]
    entries += [] if square else [("b", "a", product / 2)]
    (folder / "p.mps").write_text(
        f"{MIN}ROWS\n N cost\n E r\nCOLUMNS\n w r {float(weight)}\n a r {float(linear)}\n b r 0\n"
        f"RHS\n RHS r {float(right)}\nBOUNDS\n FR BND w\n FR BND a\n FR BND b\nQCMATRIX r\n"
        + "".join(f" {x} {y} {float(v)}\n" for x, y, v in entries)
        + "ENDATA\n"
    )
    program = checker.Program()
    program.read(folder / "p.mps")
    proof = checker.Proof(program)
    columns = (1, 1 if square else 2)
    for k, ((side, limit, v), j) in enumerate(zip(bounds, columns, strict=True)):
        proof.constraints[k] = checker.Constraint({j: v}, limit, checker.SENSES[side])
    found = []
    for sign in (1, -1):
        proof.words = iter(["0", "1", "r"])
        found.append(proof.product(sign))
    is_equal = "E" in (bounds[0][0], bounds[1][0])
    assert [each.sense for each in found] == ([0, 0] if is_equal else [1, -1])

    def holds(each: checker.Constraint, x: tuple[Fraction, Fraction, Fraction]) -> bool:
        value = sum((v * x[j] for j, v in each.terms.items()), Fraction(0))
        return (value - each.right) * each.sense >= 0 if each.sense else value == each.right

    tight = [limit / v for _, limit, v in bounds]
    for a, b in [*points, (tight[0], tight[1]), (tight[0] + 1, tight[1]), (tight[0], tight[1] + 1)]:
        w = (right - linear * a - product * a * (a if square else b)) / weight
        if all(holds(each, (w, a, b)) for each in proof.constraints.values()):
            assert all(holds(each, (w, a, b)) for each in found)

"""Names, numbers, words and sums as LaTeX: what needs no model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from allocc.compiler.functions import WORDS
from allocc.dsl.escapes import latex
from allocc.showing.rendering.plain_text import GREEK


def words(text: str) -> str:
    """Upright words in a formula."""
    return rf"\text{{{latex(text)}}}"


def letter(name: str) -> tuple[str, str]:
    """A name as a symbol and its own subscript: `S0` is `S` and `0`, `w_days` is `w` and `days`."""
    found = re.fullmatch(r"([A-Za-z]+?)_?(\d+)", name) or re.fullmatch(r"([A-Za-z]+)_(\w+)", name)
    if found and (found[1] in GREEK or len(found[1]) == 1):
        below = found[2] if found[2].isdigit() else rf"\mathrm{{{latex(found[2])}}}"
        return letter(found[1])[0], below
    if name in GREEK:
        return f"\\{name}", ""
    return (name if len(name) == 1 else rf"\mathrm{{{latex(name)}}}"), ""


def symbol(name: str, indices: Sequence[str] = (), over: str = "") -> str:
    """A name with its indices; `over` is an accent, as a tilde."""
    base, below = letter(name)
    base = rf"\{over}{{{base}}}" if over else base
    subscripts = [*([below] if below else []), *indices]
    return f"{base}_{{{','.join(subscripts)}}}" if subscripts else base


def number(written: str) -> str:
    """A number as it is written, with thin spaces and a power of ten."""
    percent = r"\%" if written.endswith("%") else ""
    mantissa, _, exponent = written.rstrip("%").replace("_", "").lower().partition("e")
    whole, point, part = mantissa.partition(".")
    if len(whole) > 4:
        whole = re.sub(r"(?<=\d)(?=(\d{3})+$)", r"\\,", whole)
    text = whole + point + part
    if exponent:
        power = f"10^{{{int(exponent)}}}"
        text = power if mantissa in ("1", "1.0") else rf"{text} \cdot {power}"
    return text + percent


def operator(name: str) -> str:
    """The name of a function, upright."""
    known = name in ("min", "max", *WORDS)
    return f"\\{name}" if known else rf"\operatorname{{{latex(name)}}}"


def joined(terms: Sequence[tuple[str, str]]) -> str:
    """Terms with their signs as one sum."""
    text = ""
    for sign, term in terms:
        text += f" {sign} {term}" if text else ("-" if sign == "-" else "") + term
    return text

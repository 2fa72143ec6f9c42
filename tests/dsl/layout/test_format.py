"""The one layout: it changes blanks and line breaks only, once, and keeps comments at their words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocc.dsl import DiagnosticError, Source, parse
from allocc.dsl.layout.format import format_source

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(
    path
    for folder in ("examples", "models/library", "src/allocc/templates")
    for path in (ROOT / folder).rglob("*.alloc")
)
BAD = sorted((ROOT / "tests" / "bad").rglob("*.alloc"))
_WORD = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"|#[^\n]*|[A-Za-z_0-9]+|[^\s]')


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig")


def parses(text: str) -> bool:
    try:
        parse(Source("model.alloc", text))
    except DiagnosticError:
        return False
    return True


MODELS = [path for path in [*SHIPPED, *BAD] if parses(read(path))]
TEXTS = [read(path).replace("\r\n", "\n") for path in MODELS]
# Those with the most in them, for texts that are changed at random.
TWO_STAGES = """param after = 3 param by in 0 .. after = 2
uncertain by ~ normal(after, 1)
uncertain beta[r in S, q in S if r != q] ~ lognormal(rates.median[r], 0.2 * by)
scenario World "what may come" from "draws.csv" weight "the share" by cvar 90%
decide x[S] "first" : USD in 0 .. after
decide y[S, t] "then" : USD integer in by .. 2 * after after World
decide z after World decide u : USD after World
minimize { after : x + after by "text" : y }
"""
RICH = [*sorted(TEXTS, key=len)[-25:], TWO_STAGES]


def words(text: str) -> list[str]:
    """All words and comments in order; a number such as `1.5` is three words."""
    return [w.rstrip() for w in _WORD.findall(text)]


def check(text: str) -> str:
    """The laid out text, of which every law is checked."""
    done = format_source(text)
    assert parse(Source("", done)).statements == parse(Source("", text)).statements
    assert words(done) == words(text)
    assert format_source(done) == done
    assert not re.search(r"[ \t]\n|\n\n\n|\A\n|\n\n\Z|\t", re.sub(r"#.*|\".*?\"", "x", done))
    return done


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_model_keeps_its_words(path: Path) -> None:
    check(read(path))


def pieces(text: str) -> list[str]:
    """The words, and what stands between them; first what stands before the first one."""
    return re.split(r'("(?:[^"\\\n]|\\[^\n])*"|#[^\n]*\n|[A-Za-z_0-9.%]+|[-+*/<>=!^]+|[^\s])', text)


GAPS = st.sampled_from(
    ["", " ", "  ", "\n", "\n\n", "\n\n\n\n  ", "\t", "# one\n", " # two  \n\n", "\n  # three\n"]
)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(RICH), st.data())
def test_any_layout_gives_one_that_stays(text: str, data: st.DataObject) -> None:
    """Blanks, line breaks and comments put between any words."""
    parts = pieces(text)
    blank = range(0, len(parts), 2)
    places = data.draw(st.lists(st.sampled_from(blank), min_size=1, max_size=40))
    for place in places:
        gap = data.draw(GAPS)
        # Two words stay two; a comment before stays a comment.
        parts[place] = gap or (" " if parts[place] else "")
    check("".join(parts))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(RICH), st.integers(1, 60), st.integers(0, 60))
def test_words_on_any_lines(text: str, every: int, start: int) -> None:
    """All comments gone, all on one line, or a break after every so many words."""
    plain = re.sub(r'("(?:[^"\\\n]|\\[^\n])*")|#[^\n]*', lambda m: m[1] or "", text)
    parts = plain.split()
    broken = "".join(
        word + ("\n" if (n + start) % every == 0 else " ") for n, word in enumerate(parts)
    )
    if '"' not in "".join(w for w in parts if w.count('"') % 2):
        check(broken)
    one = format_source(" ".join(plain.split("\n")))
    assert parse(Source("", one)).statements == parse(Source("", text)).statements


def test_comments_stay_at_their_words() -> None:
    text = """
# about the model
model m   # the title
          # and more of it

intervention x { # opens
  # about a
  decide a # before the kind
   binary
  # at the end
} # closes
minimize { # terms
  cost : a +   # first
    # second
    2
}
# last
"""
    assert check(text) == (
        """\
# about the model
model m   # the title
          # and more of it

intervention x {   # opens
  # about a
  decide a   # before the kind
      binary
  # at the end
}   # closes
minimize {   # terms
  cost :
    a
    +   # first
      # second
      2
}
# last
"""
    )


def test_columns() -> None:
    text = """
param a : person = 1
param longer[County] "with a text" in 0 .. 1 = 2 # why
param far[c in County, d in County if c != d] = 3
param beta[County] "x" = 3
let c = 4

compartment S "one" : person  initial S = 1   compartment A : dose  initial A = 10
flow in_ : -> A = 1
flow out[c in County] : A -> = 2
limit one: a <= 1
prefer another "text": b <= 2 penalty 3
"""
    assert check(text) == (
        """\
param a : person                             = 1
param longer[County] "with a text" in 0 .. 1 = 2   # why
param far[c in County, d in County if c != d] = 3
param beta[County]   "x"                     = 3
let   c = 4

compartment S "one" : person    initial S = 1    compartment A : dose    initial A = 10
flow in_              :   -> A = 1
flow out[c in County] : A ->   = 2
limit  one:            a <= 1
prefer another "text": b <= 2 penalty 3
"""
    )


def test_policies() -> None:
    text = """policy shares "by people" { open[c in County] = 3*people[c] # why
 spend =2
}
policy none {}
policy one { x = 1 }
"""
    assert check(text) == (
        """\
policy shares "by people" {
  open[c in County] = 3 * people[c]   # why
  spend             = 2
}
policy none {}
policy one { x = 1 }
"""
    )


def test_long_expressions_are_broken_at_the_outermost_operators() -> None:
    body = "a_long_name * (b_long_name - c_long_name)"
    text = f"let x = {body} + {body} - {body}\nlet y = 3 * sum(c in County: {body} + {body})"
    assert check(text) == (
        """\
let x =
  a_long_name * (b_long_name - c_long_name) + a_long_name * (b_long_name - c_long_name)
  - a_long_name * (b_long_name - c_long_name)
let y =
  3 * sum(c in County:
    a_long_name * (b_long_name - c_long_name) + a_long_name * (b_long_name - c_long_name))
"""
    )


def test_line_ends_are_kept_and_marks_are_not() -> None:
    assert format_source("\ufeffset  A={a}\r\nset B = A\r\n") == "set A = {a}\r\nset B = A\r\n"
    assert format_source("set A={a}") == "set A = {a}\n"
    assert format_source("\n\n") == ""
    assert format_source("# alone  ") == "# alone\n"


def test_syntax_errors_are_raised() -> None:
    with pytest.raises(DiagnosticError) as caught:
        format_source("param = 3", "x.alloc")
    span = caught.value.diagnostics[0].span
    assert span is not None and span.source.name == "x.alloc"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_shipped_models_have_the_layout(path: Path) -> None:
    """`allocc format examples models src` mends it."""
    text = path.read_bytes().decode()
    assert format_source(text) == text


def test_columns_in_quotes_and_with_else() -> None:
    done = check('table a from "a.csv"   key "b c" , d\nparam x = a . "b c"   else   -1\n')
    assert done == 'table a from "a.csv" key "b c", d\nparam x = a."b c" else -1\n'

"""Names that every model has without declaring them, each with a line about it."""

from __future__ import annotations

from allocc.compiler.functions import WORDS
from allocc.dsl import words

#: Functions; those of one number tell of themselves.
FUNCTIONS = {**words.FUNCTIONS, **{name: word.about for name, word in WORDS.items()}}
#: Names that no model may declare.
BUILTIN = (*words.PLACES, *(f for f in FUNCTIONS if f not in words.REPLACEABLE))

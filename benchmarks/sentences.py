"""Random sentences of the grammar, with the names of a model in them."""

from __future__ import annotations

import random
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark

from allocc.dsl.words import RESERVED

Rules = dict[str, list[tuple[Any, ...]]]
# fmt: off
_NAMES = [
    "a", "b", "c", "r", "t", "x", "y", "S", "I", "R", "end", "start", "period", "sum", "max",
    "l1", "county", "pop",
]
# fmt: on


@lru_cache(maxsize=1)
def _grammar() -> tuple[Rules, Rules, dict[str, str]]:
    """The expansions of every rule, those that end soonest, and the texts of fixed terminals."""
    text = files("allocc.dsl.reading").joinpath("grammar.lark").read_text("utf-8")
    lark = Lark(text, start="file", parser="lalr", lexer="contextual")
    rules: Rules = {}
    for rule in lark.rules:
        rules.setdefault(rule.origin.name, []).append(tuple(rule.expansion))
    texts = {
        t.name: t.pattern.value.removesuffix(r"\b")
        for t in lark.terminals
        if t.pattern.type == "str" or t.pattern.value.endswith(r"[a-z]\b") or t.priority
    }
    # How deep the shallowest sentence of each rule is, to come to an end.
    depth: dict[str, int] = {}
    for _ in range(60):
        for name, expansions in rules.items():
            nearest = min(
                max((0 if s.is_term else depth.get(s.name, 99) for s in e), default=0)
                for e in expansions
            )
            depth[name] = nearest + 1
    least = {
        name: [e for e in expansions if all(s.is_term or depth[s.name] < depth[name] for s in e)]
        for name, expansions in rules.items()
    }
    return rules, least, texts


class Sentences:
    """Random sentences of the grammar, their names taken from a model."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.names = _NAMES
        self.room = 0

    def text(self, model: str) -> str:
        """Random statements, half of the time after those of a model."""
        found = re.findall(r"[A-Za-z_]\w*", model)
        self.names = [w for w in dict.fromkeys([*_NAMES, *found]) if w not in RESERVED]
        self.room = self.chance.choice([30, 100, 300])
        statements = []
        for _ in range(self.chance.choice([1, 2, 5])):
            parts: list[str] = []
            self.write("statement", parts)
            statements.append(" ".join(parts))
        whole = "\n".join(statements)
        return model + "\n" + whole if self.chance.random() < 0.5 else whole

    def write(self, rule: str, parts: list[str], depth: int = 0) -> None:
        """Append the words of a random sentence of a rule."""
        rules, least, texts = _grammar()
        self.room -= 1
        # Else an expression goes through every operator on its way to its first name.
        plain = "{" in rule and self.chance.random() < 0.6
        ending = plain or self.room < 0 or depth > 60
        for symbol in self.chance.choice((least if ending else rules)[rule]):
            if not symbol.is_term:
                self.write(symbol.name, parts, depth + 1)
            elif symbol.name in ("NAME", "WORD"):
                parts.append(self.chance.choice(self.names))
            elif symbol.name == "NUMBER":
                parts.append(self.chance.choice(["0", "1", "2", "3", "0.5", "1e308", "5%"]))
            elif symbol.name == "STRING":
                parts.append(self.chance.choice(['"n"', '"county.csv"', '"equity.alloc"', '""']))
            else:
                parts.append(texts[symbol.name])

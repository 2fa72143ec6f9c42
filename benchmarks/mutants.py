"""Broken models and broken data, made from real ones: each is a function of one whole number.

The kinds of input: `bytes` (a model file with bytes changed), `words` (its words changed, doubled,
moved and lost), `numbers` (its numbers made extreme), `grammar` (sentences that the grammar
allows), `cells` and `files` (the tables changed cell by cell, or byte by byte and as a whole).
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from allocc.dsl.scanner import RESERVED

ROOT = Path(__file__).resolve().parents[1]

EPIDEMIC = """
model seir "Two waves"
set R = {n, s, w}
set Link = {n, s} * {s, w}
set Week = 1 .. 6
param mixing[r in R, q in R] = if r == q then 1 else 0.1
param pop[R] : person in 0 .. = 1000
param lag[R] = 2
param beta = 0.5
param moving : 1/day = 0.01
use l1, linf, worst_off, range from "equity.alloc"
time t : day = 0 .. 10 step 0.5 method euler
compartment S[R] "susceptible" : person
compartment E[R]
compartment I[R]
compartment D
initial S = pop - 1 initial E = 0 initial I = 1 initial D = 0
let foi[r in R] = sum(q in R: mixing[r, q] * I[q]) / pop[r]
flow infect[r in R] : S -> E = beta * S[r] * foi[r]
flow sick[r in R] : E -> I = 0.2 * E[r]
flow die[r in R] : I[r] -> D = 0.01 * I[r]
flow move[r in R, q in R if r != q] : S[r] -> S[q] = moving * S[r]
flow back : D -> S["n"] = 0.001 * D[t-2] else 0
function twice(x, y[S]) = 2 * x + sum(i in S: y[i])
intervention vaccinate "v" {
  decide site[R] integer in 0 .. 3
  decide dose[R, period] in 0 .. 5
  decide ship[Link] in 0 .. 9
  decide plan[Week] binary
  decide mask in 0 .. 0.5
  effect infect[r in R] += 0 - 0.1 * dose[r] * site[r]
  effect beta *= 1 - mask
  limit cap[r in R, p in period if p > start]: dose[r, p] - dose[r, p-1] <= 2 * site[r]
  limit out[a in R]: sum((a, b) in Link: ship[a, b]) <= 4
  limit week[w in Week, r in R]: plan[w] + (plan[w - lag[r]] else 0) <= 1
  limit up[t]: sum(r in R: I[r, t]) <= 500
  prefer fair: max(r in R: site[r]) <= 2 penalty 3
}
minimize {
  a : D[end] + twice(mask, site)
  b : l1(site, pop / 500)
  c : sum(t: I["n", t]) ^ 2
  d : sum(dose) + beta[end] + linf(site, pop) + worst_off(site) + range(pop)
}
report peak[r in R] "most who are ill" = max(t: I[r, t]) / max(1, site[r])
report busy[p in period] = sum(r in R if dose[r, p] > site[r]: floor(dose[r, p])) + sum(peak)
report safe = if mask > 0.1 then binomial(site["n"], 9, mask) else 1 / (1 + D[end])
"""
TABLES = """
table county from "county.csv" key fips
table rates from "rates.csv" key name
table pair from "pair.csv" key a, b
table one from "one.csv"
set County = county.fips
set Arc = pair.key
param pop[County] in 0 .. 100000 = county.population
param region[County] = county.region
param dist[Arc] : km = pair.distance
param near[a in County, b in County] = pair.distance[a, b] else 99
param delta : 1/year = rates.value["delta"]
param budget = one.budget
decide x[County] in 0 .. pop
decide go[Arc] in 0 ..
limit b: sum(c in County if region[c] == "north": x[c]) <= budget
limit m[a in County]: sum((a, b) in Arc: go[a, b]) <= x[a] * delta
limit n[a in County, b in County if near[a, b] < 50]: x[a] >= x[b] / pop[b]
minimize { c : sum((a, b) in Arc: dist[a, b] * go[a, b]) + mean(x) }
report rest[c in County] = if x[c] < pop[c] then log(pop[c] - x[c]) else 0
report worst = max(c in County if region[c] == "north": rest[c] / x[c])
"""
FILES = {
    "county.csv": "fips,population,region\n44001,100,north\n44003,200,south\n44005,300,north\n",
    "rates.csv": "name,value\nalpha,1\ndelta,0.5\n",
    "pair.csv": "a,b,distance\n44001,44003,10\n44003,44005,20\n44005,44001,5\n",
    "one.csv": "budget,label\n100,x\n",
}

#: The shipped models that are mutated, besides the two above; each with the folder of its tables.
SHIPPED = (
    "access/access",
    "access/exact",
    "drone/drone",
    "lockdown/lockdown",
    "lockdown/cubic",
    "opioid/opioid",
    "seir_vaccination/seir_vaccination",
    "vaccine/vaccine",
)
#: A shipped table is cut to so many rows: the mistakes are the same, and found sooner.
MOST_ROWS = 30

_WORDS = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?|\.\.|->|[<>=!+*]=|\S|\s+')
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")
_TROUBLE = [
    "0",
    "1",
    "-1",
    "(0)",
    "2.5",
    "1e999",
    "nan",
    "t",
    "t-1",
    "x[t-1]",
    "S[r]",
    "R",
    "end",
    "start",
    "period",
    "sum",
    "sum(x)",
    "min",
    "max",
    "..",
    "1..3",
    '"n"',
    "1000000000000",
    "=",
    "<",
    "==",
    "/",
    "*",
    "^",
    "-",
    "+",
    "in",
    "not",
    "and",
    "mask",
    "infect",
    "D",
    "{a,b}",
    "method",
    "(1>0)",
    "(1/0)",
    "county",
    "county.key",
    "one.key",
    "pair.key",
    "Arc",
    "Link",
    "(a,b)",
    "lag",
    "twice",
    "l1",
    "range",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "if",
    "else",
    "use",
    "chance",
    "integer",
    "binary",
    "log(",
    "exp(",
    "sqrt(",
    "abs(",
    "..",
    "->",
]
_NUMBERS = [
    "0",
    "1",
    "-1",
    "-0",
    "0.5",
    "1e-320",
    "1e-12",
    "1e12",
    "1e15",
    "1e16",
    "1e18",
    "1e20",
    "1e100",
    "1e307",
    "1e308",
    "1e309",
    "9e999999",
    "100%",
    "20000",
    "1000001",
    "10000000000",
    "9223372036854775807",
    "9223372036854775808",
    "4294967296",
    "0.1",
    "3.0000001",
] + ["9" * 400, "1" + "_000" * 30, "0." + "0" * 400 + "1"]
_CELLS = [
    "",
    *[
        "0",
        "-1",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "1e308",
        "-1e308",
        "1e-320",
        "abc",
        '"',
        'a"b',
        ",",
        ";",
        "44001",
        "é",
        "\x00",
        "01",
        "1_0",
        "１",
        "+",
        "#N/A",
    ],
    *[
        "\n",
        "\r",
        " ",
        "\t",
        "\u2028",
        "\x0b",
        "\x85",
        "\ufeff",
        "'",
        "=cmd()",
        "-0",
        "0x10",
        "1,5",
    ],
    *[
        "9" * 400,
        "x" * 5000,
        "TRUE",
        "None",
        "1e",
        "٣",
        "½",
        "\U0001f600",
        "\ud7ff",
        "1 000",
        "50%",
    ],
]
_BYTES = [bytes([b]) for b in b"\x00\x01\t\n\r\"#%'(),-./019:;=[]^_{}\x7f\x80\xa0\xc3\xe2\xff"] + [
    b"\xef\xbb\xbf",
    b"\xe2\x80\x9c",
    b"\xe2\x88\x92",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b"\r\n",
    b"..",
    b"->",
    b"1e999",
    b"((((((((",
]
Rules = dict[str, list[tuple[Any, ...]]]
_NAMES = [
    "a",
    "b",
    "c",
    "r",
    "t",
    "x",
    "y",
    "S",
    "I",
    "R",
    "end",
    "start",
    "period",
    "sum",
    "max",
    "l1",
    "county",
    "pop",
]


@dataclass(frozen=True)
class Start:
    """A model and its tables, as they are before anything is changed."""

    name: str
    text: str
    tables: dict[str, str]


@dataclass(frozen=True)
class Case:
    """One input: the bytes of a model file, and of the files in its data folder."""

    kind: str
    start: str
    model: bytes
    tables: dict[str, bytes]


@lru_cache(maxsize=1)
def starts() -> tuple[Start, ...]:
    """The models that are mutated."""
    found = [Start("epidemic", EPIDEMIC, {}), Start("tables", TABLES, dict(FILES))]
    for name in SHIPPED:
        path = ROOT / "examples" / f"{name}.alloc"
        tables = {
            p.name: "".join(p.read_text("utf-8").splitlines(True)[: MOST_ROWS + 1])
            for p in sorted(path.parent.glob("*.csv"))
        }
        text = path.read_text("utf-8")
        found.append(Start(name, text, {k: v for k, v in tables.items() if f'"{k}"' in text}))
    return tuple(found)


def make(seed: int) -> Case:
    """The input of a number."""
    chance = random.Random(seed)
    kind = chance.choices(
        ["bytes", "words", "numbers", "grammar", "cells", "files"], [15, 40, 10, 10, 15, 10]
    )[0]
    start = chance.choice(starts()[: 2 if chance.random() < 0.5 else None])
    model = start.text.encode()
    tables = {name: text.encode() for name, text in start.tables.items()}
    match kind:
        case "bytes":
            model = change_bytes(model, chance)
        case "words":
            model = change_words(start.text, chance).encode()
        case "numbers":
            model = change_numbers(start.text, chance).encode()
        case "grammar":
            model = Sentences(chance).text(start.text).encode()
        case _ if not tables:
            model, kind = change_words(start.text, chance).encode(), "words"
        case "cells":
            for _ in range(chance.choice([1, 1, 2, 5])):
                name = chance.choice(list(tables))
                tables[name] = change_cells(tables[name].decode(), chance).encode()
        case "files":
            name = chance.choice(list(tables))
            tables[name] = change_file(tables[name], chance)
    return Case(kind, start.name, model, tables)


def change_bytes(raw: bytes, chance: random.Random) -> bytes:
    """Bytes changed, put in, taken out, doubled and moved."""
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        a = chance.randrange(len(raw) + 1)
        b = min(len(raw), a + chance.choice([1, 1, 2, 8, 64]))
        match chance.randrange(5):
            case 0:
                raw = raw[:a] + raw[b:]
            case 1:
                raw = raw[:a] + chance.choice(_BYTES) + raw[b:]
            case 2:
                raw = raw[:a] + chance.choice(_BYTES) * chance.choice([1, 1, 3, 300]) + raw[a:]
            case 3:
                c = chance.randrange(len(raw) + 1)
                raw = raw[:c] + raw[a:b] + raw[c:]
            case _:
                raw = raw[:a] + bytes(x ^ (1 << chance.randrange(8)) for x in raw[a:b]) + raw[b:]
    return raw


def change_words(text: str, chance: random.Random) -> str:
    """Words put in place of others, doubled and taken out."""
    words = _WORDS.findall(text)
    names = [k for k, w in enumerate(words) if re.match(r'[A-Za-z_"]', w) and w not in RESERVED]
    filled = [w for w in words if w.strip()]
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        kind = chance.random()
        place = chance.choice(names) if kind < 0.7 else chance.randrange(len(words))
        if kind < 0.4:
            words[place] = words[chance.choice(names)]
        elif kind < 0.85:
            words[place] = chance.choice([*_TROUBLE, chance.choice(filled)])
        elif kind < 0.93:
            words[place] = ""
        else:
            words[place] += " " + chance.choice(filled)
    return "".join(words)


def change_numbers(text: str, chance: random.Random) -> str:
    """Numbers made extreme."""
    places = list(_NUMBER.finditer(text))
    for found in sorted(
        chance.sample(places, min(len(places), chance.choice([1, 1, 2]))), key=lambda m: -m.start()
    ):
        text = text[: found.start()] + chance.choice(_NUMBERS) + text[found.end() :]
    return text


def change_cells(text: str, chance: random.Random) -> str:
    """A cell, a row or a column changed, doubled or lost."""
    rows = [line.split(",") for line in text.split("\n")]
    y = chance.randrange(len(rows))
    x = chance.randrange(len(rows[y]))
    match chance.randrange(8):
        case 0:
            rows.insert(chance.randrange(len(rows)), list(rows[y]))
        case 1:
            del rows[y]
        case 2:
            rows = [[c for k, c in enumerate(row) if k != x] for row in rows]
        case 3:
            rows = [[*row, row[x] if x < len(row) else ""] for row in rows]
        case 4:
            rows[y] = rows[y][:x]
        case 5:
            chance.shuffle(rows)
        case _:
            rows[y][x] = chance.choice(_CELLS)
    return "\n".join(",".join(row) for row in rows)


def change_file(raw: bytes, chance: random.Random) -> bytes:
    """A table in another encoding, with other ends of lines, cut, doubled, or with other bytes."""
    text = raw.decode()
    match chance.randrange(8):
        case 0:
            return text.encode(chance.choice(["utf-16", "utf-32", "utf-8-sig", "cp037", "utf-7"]))
        case 1:
            return text.replace("a", "ä").encode("cp1252")
        case 2:
            return text.replace(
                "\n", chance.choice(["\r\n", "\r", "\n\n", "\n\r", "\x0b"])
            ).encode()
        case 3:
            return raw[: chance.randrange(len(raw) + 1)]
        case 4:
            return raw * chance.choice([0, 2, 50])
        case 5:
            return text.replace(",", chance.choice([";", "\t", "|", ", ", ",,", "\x1f"])).encode()
        case 6:
            return chance.randbytes(chance.choice([1, 50, 5000]))
        case _:
            return change_bytes(raw, chance)


@lru_cache(maxsize=1)
def _grammar() -> tuple[Rules, Rules, dict[str, str]]:
    """The expansions of every rule, those that end soonest, and the texts of fixed terminals."""
    from lark import Lark

    text = files("allocc.dsl").joinpath("grammar.lark").read_text("utf-8")
    lark = Lark(text, start="file", parser="lalr", lexer="contextual")
    rules: dict[str, list[tuple[Any, ...]]] = {}
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

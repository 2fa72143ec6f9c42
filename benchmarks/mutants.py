"""Broken models and broken data, made from real ones: each is a function of one whole number.

The kinds of input: `bytes` (a model file with bytes changed), `words` (its words changed, doubled,
moved and lost), `numbers` (its numbers made extreme), `grammar` (sentences that the grammar
allows), `cells` and `files` (the tables changed cell by cell, or byte by byte and as a whole).
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from base_models import starts
from sentences import Sentences

from allocc.dsl.words import RESERVED

_WORDS = re.compile(r'"[^"\n]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?|\.\.|->|[<>=!+*]=|\S|\s+')
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")
# fmt: off
_TROUBLE = [
    "0", "1", "-1", "(0)", "2.5", "1e999", "nan", "t", "t-1", "x[t-1]", "S[r]", "R", "end",
    "start", "period", "sum", "sum(x)", "min", "max", "..", "1..3", '"n"', "1000000000000", "=",
    "<", "==", "/", "*", "^", "-", "+", "in", "not", "and", "mask", "infect", "D", "{a,b}",
    "method", "(1>0)", "(1/0)", "county", "county.key", "one.key", "pair.key", "Arc", "Link",
    "(a,b)", "lag", "twice", "l1", "range", "[", "]", "(", ")", "{", "}", "if", "else", "use",
    "chance", "integer", "binary", "log(", "exp(", "sqrt(", "abs(", "..", "->",
]
_NUMBERS = [
    "0", "1", "-1", "-0", "0.5", "1e-320", "1e-12", "1e12", "1e15", "1e16", "1e18", "1e20",
    "1e100", "1e307", "1e308", "1e309", "9e999999", "100%", "20000", "1000001", "10000000000",
    "9223372036854775807", "9223372036854775808", "4294967296", "0.1", "3.0000001",
    "9" * 400, "1" + "_000" * 30, "0." + "0" * 400 + "1",
]
_CELLS = [
    "", "0", "-1", "nan", "inf", "-inf", "1e999", "1e308", "-1e308", "1e-320", "abc", '"', 'a"b',
    ",", ";", "44001", "é", "\x00", "01", "1_0", "１", "+", "#N/A", "\n", "\r", " ", "\t",
    "\u2028", "\x0b", "\x85", "\ufeff", "'", "=cmd()", "-0", "0x10", "1,5", "9" * 400, "x" * 5000,
    "TRUE", "None", "1e", "٣", "½", "😀", "\ud7ff", "1 000", "50%",
]
_BYTES = [
    *(bytes([b]) for b in b"\x00\x01\t\n\r\"#%'(),-./019:;=[]^_{}\x7f\x80\xa0\xc3\xe2\xff"),
    b"\xef\xbb\xbf", b"\xe2\x80\x9c", b"\xe2\x88\x92", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80",
    b"\r\n", b"..", b"->", b"1e999", b"((((((((",
]
# fmt: on


@dataclass(frozen=True)
class Case:
    """One input: the bytes of a model file, and of the files in its data folder."""

    kind: str
    start: str
    model: bytes
    tables: dict[str, bytes]


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

"""What a reader is told when the parser cannot go on: what stands there, and the likely mend."""

from __future__ import annotations

import difflib
import re

from allocc.dsl import errors
from allocc.dsl.diagnostics import Diagnostic
from allocc.dsl.scanner import Lexeme
from allocc.dsl.syntax_help.stop import Stop
from allocc.dsl.tree import Span
from allocc.dsl.words import RESERVED, SOFT, STATEMENTS

_ORDER = {
    "param": 'param NAME[SET] "text" : UNIT integer in LOW .. HIGH = VALUE',
    "let": 'let NAME[SET] "text" : UNIT = VALUE',
    "report": 'report NAME[SET] "text" : UNIT = VALUE',
    "set": 'set NAME "text" = VALUE',
    "time": 'time NAME "text" : UNIT = START .. END step STEP method NAME',
    "compartment": 'compartment NAME[SET] "text" : UNIT',
    "decide": 'decide NAME[SET] "text" : UNIT integer in LOW .. HIGH after SCENARIO',
    "flow": 'flow NAME[SET] "text" : FROM -> TO = VALUE',
    "limit": 'limit NAME[SET] "text" : LEFT <= RIGHT',
    "prefer": 'prefer NAME[SET] "text" : LEFT <= RIGHT penalty WEIGHT',
    "chance": "chance NAME : probability P over s in SET weight W { limit ... }",
    "policy": 'policy NAME "text" { DECISION[i in SET] = VALUE }',
    "model": 'model NAME "title"',
    "use": 'use NAME from "FILE.alloc"',
    "table": 'table NAME from "FILE.csv" key COLUMN',
    "intervention": 'intervention NAME "text" { ... }',
    "fit": 'fit NAME "text" { estimate PARAMETER in LOW .. HIGH from GUESS observe VALUE = DATA }',
    "uncertain": "uncertain NAME[i in SET] ~ normal(MEAN, SD)",
    "scenario": 'scenario NAME "text" from "FILE.csv" weight COLUMN by MEASURE',
    "function": 'function NAME(x, y) "text" = VALUE',
    "minimize": 'minimize { NAME "text" : VALUE }',
    "maximize": 'maximize { NAME "text" : VALUE }',
    "initial": "initial NAME[i in SET] = VALUE",
    "effect": "effect NAME[i in SET] += VALUE",
    "unit": "unit NAME = 6 UNIT",
}
# Words for what may follow, most telling first.
_PLAIN = [
    ("NAME", "a name"),
    ("WORD", "a column's name"),
    ("STRING", "a text in double quotes"),
    ("EQUAL", "'='"),
    ("TILDE", "'~'"),
    ("ADD_TO", "'+='"),
    ("MULTIPLY_BY", "'*='"),
    ("COLON", "':'"),
    ("ARROW", "'->'"),
    ("DOTDOT", "'..'"),
    *((word.upper(), f"'{word}'") for word in SOFT if word != "implies"),
    ("THEN", "'then'"),
    ("ELSE", "'else'"),
    ("LBRACE", "'{'"),
    ("COMMA", "','"),
    ("RPAR", "')'"),
    ("RSQB", "']'"),
    ("RBRACE", "'}'"),
    ("LPAR", "'('"),
    ("LSQB", "an index in '[ ]'"),
    ("NUMBER", "a number"),
]
_STRAY = {
    "penalty": "a limit that may be broken at a price is a 'prefer'",
    "integer": "'integer' belongs to a 'decide' or a 'param'",
    "binary": "'binary' belongs to a 'decide' or a 'param'",
    "=": "this statement takes no value here",
}
_REDUCING = ("sum", "mean", "min", "max", "total")
_OPTIONAL = ("'..'", "','", "'('", "an index in '[ ]'", "a number")


def explain(stop: Stop) -> Diagnostic:
    """The one diagnostic that tells most about a stop."""
    for suspect in _SUSPECTS:
        diagnostic = suspect(stop)
        if diagnostic is not None:
            return diagnostic
    # A column's name may stand in quotes, which is another way of saying the same.
    accepts = stop.accepts - {"STRING"} if "WORD" in stop.accepts else stop.accepts
    expected = [words for terminal, words in _PLAIN if terminal in accepts]
    # What could go on with a part that is already whole helps less than the part that is due.
    due = [words for words in expected if words not in _OPTIONAL]
    if stop.complete:
        operators = ["an operator"] if "STAR" in stop.accepts else []
        expected = [*operators, "the next statement"]
        return errors.unexpected(stop.span, stop.found, expected, _STRAY.get(stop.found))
    if stop.statement in ("minimize", "maximize") and {"STAR", "NAME"} <= stop.accepts:
        due = ["an operator", "the next term", "'}'"]
    elif "STAR" in stop.accepts and not due:
        due = ["an operator", *(words for words in expected if words != "'..'")]
    hint = f"write '{_ORDER[stop.statement]}'" if stop.statement in _ORDER else None
    return errors.unexpected(stop.span, stop.found, due or expected, hint)


def _misspelt(stop: Stop) -> Diagnostic | None:
    word = stop.word
    if word is None or word.kind != "word" or word.first or "NAME" in stop.accepts:
        return None
    near = [soft for soft in (*SOFT, "then", "else") if soft.upper() in stop.accepts]
    match = difflib.get_close_matches(word.text.lower(), near, n=1, cutoff=0.75)
    if not match:
        return None
    hint = f"did you mean '{match[0]}'?"
    return errors.unexpected(stop.span, stop.found, [f"'{match[0]}'"], hint)


def _statement(stop: Stop) -> Diagnostic | None:
    word = stop.word
    if word is None or not stop.begins_statement:
        return None
    if stop.meant is not None:
        return errors.unknown_statement(stop.span, word.text, stop.meant)
    if word.kind != "word":
        return errors.statement_without_keyword(stop.span, ())
    line = re.split(r"[\r\n#]", stop.source.text[word.start :], maxsplit=1)[0].strip()
    if re.search(r"[<>=]=", line):
        short = line if len(line) <= 40 else "LEFT <= RIGHT"
        return errors.statement_without_keyword(stop.span, (f"limit NAME: {short}",))
    if stop.after is not None and stop.after.text in ("=", "[", ":"):
        short = line if stop.after.text == "=" and len(line) <= 40 else f"{word.text} = ..."
        return errors.statement_without_keyword(stop.span, (f"param {short}", f"let {short}"))
    return errors.unknown_statement(stop.span, word.text, None)


def _reserved(stop: Stop) -> Diagnostic | None:
    word, before = stop.word, stop.before
    if word is None or before is None or word.text not in RESERVED:
        return None
    if "NAME" not in stop.accepts or (not stop.found and not stop.value_due):
        return None
    if stop.value_due and (not stop.found or word.text not in STATEMENTS):
        return None
    column = {"NAME", "STRING"} <= stop.accepts and before.text in ("key", "weight", ",")
    return errors.keyword_as_name(
        stop.span, word.text, column and stop.statement in ("table", "scenario")
    )


def _dots(stop: Stop) -> Diagnostic | None:
    if "DOTDOT" not in stop.accepts or stop.bracket:
        return None
    texts = [lexeme.text for lexeme in stop.read]
    opener = {"param": "in", "decide": "in", "time": "="}.get(stop.statement, "")
    if opener not in texts:
        return None
    rest = texts[len(texts) - 1 - texts[::-1].index(opener) :]
    if ".." in rest or (stop.statement != "time" and "=" in rest):
        return None
    example = f"{_head_of_range(stop)}0 .. 1"
    return errors.missing_dots(stop.span, stop.found, example)


def _head_of_range(stop: Stop) -> str:
    return "time t = " if stop.statement == "time" else "in "


def _equals(stop: Stop) -> Diagnostic | None:
    if stop.found == "." and stop.before is not None and stop.before.kind == "number":
        return errors.missing_dots(stop.span, ".", "1 .. 3")
    if stop.found != "=":
        return None
    if stop.statement == "compartment" and stop.complete:
        hint = "give its first value with 'initial NAME = VALUE'"
        return errors.unexpected(stop.span, "=", ["the next statement"], hint)
    if "EQ" in stop.accepts:
        return errors.single_equals(stop.span)
    if "ADD_TO" in stop.accepts:
        hint = "an effect adds with '+=' to a flow, or scales a parameter with '*='"
        return errors.unexpected(stop.span, "=", ["'+='", "'*='"], hint)
    return None


def _order(stop: Stop) -> Diagnostic | None:
    word, order = stop.word, _ORDER.get(stop.statement)
    if word is None or order is None or stop.bracket or not stop.found:
        return None
    texts = [lexeme.text for lexeme in stop.read]
    late = (
        (
            word.text in ("integer", "binary")
            and stop.statement in ("decide", "param")
            and {"in", "="} & set(texts)
        )
        or (word.text == ":" and "in" in texts and stop.statement in ("param", "decide"))
        or (word.text == "in" and "=" in texts and stop.statement == "param")
        or (word.text in ("in", ":") and "after" in texts and stop.statement == "decide")
        or (word.text == "step" and "method" in texts)
        or (
            word.kind == "string"
            and "STRING" not in stop.accepts
            and not any(lexeme.kind == "string" for lexeme in stop.read)
            and not word.first
            and stop.statement
            not in ("minimize", "maximize", "unit", "initial", "effect", "policy")
            and bool({":", "=", "in"} & set(texts))
        )
        or (word.text == "[" and any(lexeme.kind == "string" for lexeme in stop.read))
    )
    return errors.out_of_order(stop.span, stop.statement, order) if late else None


def _number(stop: Stop) -> Diagnostic | None:
    word, before = stop.word, stop.before
    if word is None or before is None or not stop.found:
        return None
    if word.kind == "number" and "NAME" in stop.accepts and "NUMBER" not in stop.accepts:
        hint = "a name begins with a letter"
        return errors.unexpected(stop.span, stop.found, ["a name"], hint)
    if before.kind == "number" and before.stop == word.start and word.kind == "word":
        hint = f"to multiply, write '{before.text} * {word.text}'"
        return errors.unexpected(stop.span, stop.found, ["an operator"], hint)
    return None


def _sums(stop: Stop) -> Diagnostic | None:
    """A sum as other languages write it, and a filter that is not at the end of its index."""
    word, before = stop.word, stop.before
    if word is None or before is None or not stop.found:
        return None
    texts = [lexeme.text for lexeme in stop.read]
    if word.text == "," and stop.bracket in ("[", "(") and "if" in texts and "then" not in texts:
        hint = "a filter stands at the end of its index: move 'if ...' behind the last entry"
        closer = "']'" if stop.bracket == "[" else "':'"
        return errors.unexpected(stop.span, ",", [closer], hint)
    example = "'sum(c in County: x[c])'"
    if word.text == "for" and stop.bracket == "(":
        return errors.unexpected(stop.span, "for", ["')'"], f"a sum reads {example}")
    if word.text == "{" and before.text in _REDUCING:
        return errors.unexpected(stop.span, "{", ["'('"], f"a sum reads {example}")
    if before.text == ")" and (word.kind in ("word", "number") or word.text == "("):
        place = _opener(stop)
        inside = [lexeme.text for lexeme in stop.lexemes[place : stop.place]]
        called = stop.lexemes[place - 1].text if place else ""
        if called in _REDUCING and "in" in inside and ":" not in inside:
            hint = f"what is added stands inside of the parentheses: {example}"
            return errors.unexpected(stop.span, stop.found, ["an operator"], hint)
    return None


def _opener(stop: Stop) -> int:
    """Number of the `(` that the `)` before a stop closes."""
    depth = 0
    for place in range(stop.place - 1, -1, -1):
        text = stop.lexemes[place].text
        depth += (text == ")") - (text == "(")
        if depth == 0:
            return place
    return 0


def _range(stop: Stop) -> Diagnostic | None:
    """The range of a decision without its `in`."""
    word = stop.word
    if word is None or stop.statement != "decide" or stop.bracket or not stop.found:
        return None
    if "IN" not in stop.accepts or word.first:
        return None
    if word.text in (">=", "<=", ">", "<") or word.kind == "number":
        hint = "a range reads 'in 0 .. 5'; 'in 0 ..' has no upper end"
        return errors.unexpected(stop.span, stop.found, ["'in' and the range"], hint)
    return None


def _column(stop: Stop) -> Diagnostic | None:
    """A column's name of several words, or one that begins with a digit."""
    word, read = stop.word, stop.lexemes[max(0, stop.place - 3) : stop.place]
    if word is None or word.kind not in ("word", "number") or word.first or word.keyword:
        return None
    if len(read) < 3 or word.text in RESERVED or word.text in SOFT:
        return None
    expected = "an operator"
    if "WORD" in stop.accepts:
        expected, example = "a column's name", f'{read[1].text}."{word.text}"'
    elif read[1].text == "." and read[0].kind == read[2].kind == "word":
        example = f'{read[0].text}."{read[2].text} {word.text}"'
    elif stop.statement == "table" and read[1].text in ("key", ",") and read[2].kind == "word":
        expected, example = "the next statement", f'key "{read[2].text} {word.text}"'
    else:
        return None
    hint = f"a column's name that is no single word stands in quotes: '{example}'"
    return errors.unexpected(stop.span, stop.found, [expected], hint)


def _comma(stop: Stop) -> Diagnostic | None:
    word, before = stop.word, stop.before
    if word is None or before is None:
        return None
    if stop.value_due and before.text == ",":
        whole = stop.bracket == "[" and word.text in (":", "]")
        return errors.extra_comma(stop.at(before), whole)
    if word.text != ",":
        return None
    if stop.value_due:
        return errors.missing_value(stop.span, before.text, ",")
    groups = re.match(r"[0-9]+(?:,[0-9]+)+(?:\.[0-9]+)?", stop.source.text[before.start :])
    if before.kind == "number" and groups is not None:
        return _comma_in_number(stop, before, groups[0])
    objective = stop.statement in ("minimize", "maximize") and stop.bracket == "{"
    return errors.misplaced_comma(stop.span) if stop.complete or objective else None


def _comma_in_number(stop: Stop, before: Lexeme, text: str) -> Diagnostic:
    span = Span(stop.source, before.start, before.start + len(text))
    first, *rest = text.split(".")[0].split(",")
    mends = []
    if first != "0" and len(first) <= 3 and all(len(group) == 3 for group in rest):
        mends.append(f"'{text.replace(',', '_')}'")
    if len(rest) == 1 and "." not in text:
        mends.append(f"'{text.replace(',', '.')}'")
    return errors.comma_in_number(span, mends or [f"'{text.replace(',', '')}'"])


def _choice(stop: Stop) -> Diagnostic | None:
    if stop.choice is not None and stop.found != "=":
        at = stop.at(stop.choice)
        if "THEN" in stop.accepts:
            return errors.missing_then(stop.span, stop.found, at)
        if "ELSE" in stop.accepts and any(lexeme.text == "then" for lexeme in stop.read):
            return errors.missing_else(stop.span, stop.found, at)
    if stop.found == "else" and not stop.value_due:
        return errors.else_without_if(stop.span)
    return None


def _quotes(stop: Stop) -> Diagnostic | None:
    word = stop.word
    if word is None or "STRING" not in stop.accepts or stop.value_due or not stop.found:
        return None
    if word.kind != "word" or word.keyword:
        return None
    if stop.statement == "scenario" and word.text in SOFT:
        return None
    if stop.statement in ("table", "use", "scenario") and not stop.accepts & {"FROM", "DRAWS"}:
        found = re.match(r"[^\s()\"]+", stop.source.text[word.start :])
        text = found[0] if found else word.text
        span = Span(stop.source, word.start, word.start + len(text))
        return errors.missing_quotes(span, "a file's name", text)
    if "EQUAL" in stop.accepts and (stop.after is None or stop.after.kind != "word"):
        return None
    words = re.match(r"[\w ,'/-]*\w(?=[ \t]*(?:[:={\r\n]|$))", stop.source.text[word.start :])
    if words is None:
        return None
    text = words[0]
    if stop.statement == "decide":
        text = re.split(r"\s+(?:integer|binary|in)\b", text)[0]
    span = Span(stop.source, word.start, word.start + len(text))
    return errors.missing_quotes(span, "a description", text)


def _parts(stop: Stop) -> Diagnostic | None:
    word, before = stop.word, stop.before
    if before is None:
        return None
    begins_value = word is not None and (
        word.kind in ("number", "string", "word") or word.text in ("(", "-", "{")
    )
    if "FROM" in stop.accepts and stop.statement in ("table", "use"):
        return errors.missing_from(stop.span, stop.found, stop.statement)
    if "EQUAL" in stop.accepts and begins_value and stop.found and not stop.bracket:
        short = stop.found if word is not None and word.kind == "number" else ""
        return errors.missing_equals(stop.span, short)
    if "EQUAL" in stop.accepts and not stop.complete and not stop.found and not stop.bracket:
        return errors.value_left_out(stop.span, stop.statement)
    if "COLON" in stop.accepts and stop.statement in ("limit", "prefer", "flow", "chance"):
        return errors.missing_colon(stop.span, stop.found, f"write '{_ORDER[stop.statement]}'")
    if "COLON" in stop.accepts and stop.statement in ("minimize", "maximize"):
        return errors.missing_colon(stop.span, stop.found, "a term reads 'NAME \"text\" : VALUE'")
    if before.keyword and "NAME" in stop.accepts and not stop.value_due:
        return errors.missing_name(stop.span, before.text, stop.found)
    units = {"NAME", "NUMBER", "LPAR"} <= stop.accepts and "MINUS" not in stop.accepts
    if units and before.text in (":", "*", "/", "("):
        return errors.missing_unit(stop.span, stop.found)
    if stop.value_due:
        choice = word is not None and word.text in ("if", "not") and word.kind == "word"
        hint = f"put parentheses around '{stop.found} ...'" if choice else None
        return errors.missing_value(stop.span, before.text, stop.found, hint)
    if stop.bracket and "COMMA" in stop.accepts and begins_value and stop.found:
        return errors.missing_comma(stop.span, stop.found)
    return None


# The first suspect that fits is reported.
_SUSPECTS = (
    _misspelt,
    _statement,
    _reserved,
    _dots,
    _order,
    _equals,
    _sums,
    _range,
    _column,
    _number,
    _comma,
    _choice,
    _quotes,
    _parts,
)

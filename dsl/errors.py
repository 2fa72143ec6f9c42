"""The diagnostics of reading a file, one typed constructor each; `codes.md` explains the codes."""

from __future__ import annotations

from collections.abc import Sequence

from allocc.dsl.diagnostics import Diagnostic, Note
from allocc.dsl.tree import Span

_A_VALUE = "a number, a name, or an expression in parentheses"


def listed(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def found(word: str) -> str:
    """How a message names what it found; an empty word is the end of the statement."""
    return f"found '{word}'" if word else "the statement ends here"


def unexpected(
    span: Span, word: str, expected: Sequence[str], hint: str | None = None
) -> Diagnostic:
    """Something stands where only other things can stand."""
    if expected:
        return Diagnostic("E1001", f"expected {listed(expected)}, but {found(word)}", span, hint)
    return Diagnostic("E1001", f"{found(word)}, which cannot stand here", span, hint)


def unknown_statement(span: Span, word: str, meant: str | None) -> Diagnostic:
    """A statement begins with a word that is no keyword."""
    mend = f"; did you mean '{meant}'?" if meant else ""
    hint = None if meant else "every statement begins with a keyword, such as 'param' or 'limit'"
    return Diagnostic("E1002", f"'{word}' does not begin a statement{mend}", span, hint)


def statement_without_keyword(span: Span, meant: Sequence[str]) -> Diagnostic:
    """A statement begins with the name it defines, or with something else."""
    message = f"every statement begins with a keyword, but {found(span.text)}"
    quoted = [f"'{text}'" for text in meant]
    hint = f"did you mean {listed(quoted)}?" if meant else None
    return Diagnostic("E1003", message, span, hint)


def keyword_as_name(span: Span, word: str, column: bool = False) -> Diagnostic:
    """A reserved word where a name should stand."""
    message = f"'{word}' is a word of the language and cannot be a name"
    mend = f'write "{word}"' if column else f"choose another name, such as '{word}_'"
    return Diagnostic("E1004", message, span, mend)


def missing_name(span: Span, after: str, word: str) -> Diagnostic:
    """A declaration has no name."""
    return Diagnostic("E1004", f"expected a name after '{after}', but {found(word)}", span)


def missing_equals(span: Span, before: str) -> Diagnostic:
    """A value follows directly on what it should be assigned to."""
    hint = f"write '= {before}'" if before else None
    return Diagnostic("E1005", "expected '=' before the value", span, hint)


def value_left_out(span: Span, statement: str) -> Diagnostic:
    """A declaration that must have a value ends without one."""
    message = f"a '{statement}' needs '=' and a value, but the statement ends here"
    return Diagnostic("E1005", message, span)


def single_equals(span: Span) -> Diagnostic:
    """`=` where two sides are compared."""
    return Diagnostic(
        "E1006", "'=' does not compare", span, "to say that both are equal, write '=='"
    )


def foreign_operator(span: Span, mend: str) -> Diagnostic:
    """An operator of another language."""
    word = span.text
    return Diagnostic("E1007", f"'{word}' is not an operator here", span, f"write {mend}")


def never_closed(span: Span, closer: str) -> Diagnostic:
    """A bracket is opened and not closed."""
    message = f"the '{span.text}' opened here is never closed"
    return Diagnostic("E1008", message, span, f"add the missing '{closer}'")


def never_opened(span: Span) -> Diagnostic:
    """A bracket is closed that was not opened."""
    return Diagnostic("E1009", f"this '{span.text}' closes nothing", span, "remove it")


def wrong_closer(span: Span, opener: Span, closer: str) -> Diagnostic:
    """A bracket is closed by one of another kind."""
    note = Note(f"the '{opener.text}' opened here", opener)
    message = f"expected '{closer}' to close '{opener.text}', but found '{span.text}'"
    return Diagnostic("E1009", message, span, f"write '{closer}'", None, (note,))


def unfinished_string(span: Span) -> Diagnostic:
    """A string without its closing quote."""
    hint = "a text ends with '\"' on the line where it begins"
    return Diagnostic("E1010", "this text has no closing quote", span, hint)


def wrong_quotes(span: Span) -> Diagnostic:
    """A text in single or typographic quotes."""
    inside = span.text.strip("'\"“”„«»‘’‚")
    whole = len(span.text) > 1 and span.text[-1] in "'\"“”„«»‘’‚"
    hint = f'write "{inside}"' if whole else 'write "..."'
    return Diagnostic("E1011", "a text stands in straight double quotes", span, hint)


def number_form(span: Span, mend: str) -> Diagnostic:
    """A number such as `1.` or `.5`."""
    message = f"'{span.text}' is not a complete number"
    return Diagnostic("E1012", message, span, f"write {mend}")


def number_too_large(written: str, span: Span) -> Diagnostic:
    """A number beyond what a computer's number can hold."""
    return Diagnostic("E1012", f"the number '{written}' is too large", span)


def comma_in_number(span: Span, mends: Sequence[str]) -> Diagnostic:
    """A decimal comma, or commas between thousands."""
    message = f"a number has no comma, but found '{span.text}'"
    return Diagnostic("E1013", message, span, f"write {listed(mends)}")


def foreign_character(span: Span, name: str, hint: str | None) -> Diagnostic:
    """A character that has no meaning outside of texts and comments."""
    return Diagnostic("E1014", f"{name} cannot stand here", span, hint)


def missing_then(span: Span, word: str, opener: Span) -> Diagnostic:
    """`if` without `then`."""
    note = Note("the 'if' begins here", opener)
    hint = "a choice reads 'if CONDITION then VALUE else VALUE'"
    message = f"expected 'then' after the condition, but {found(word)}"
    return Diagnostic("E1015", message, span, hint, None, (note,))


def missing_else(span: Span, word: str, opener: Span) -> Diagnostic:
    """`if ... then` without `else`."""
    note = Note("the 'if' begins here", opener)
    hint = "a choice always has both values: 'if CONDITION then VALUE else VALUE'"
    message = f"expected 'else' with the other value, but {found(word)}"
    return Diagnostic("E1015", message, span, hint, None, (note,))


def else_without_if(span: Span) -> Diagnostic:
    """`else` after something that is neither a choice nor a subscript."""
    hint = "'else' belongs to an 'if', to a subscript as in 'x[t-1] else 0', or to a column as in 'table.column else 0'"
    return Diagnostic("E1015", "this 'else' has no 'if'", span, hint)


def extra_comma(span: Span, whole: bool = False) -> Diagnostic:
    """A comma with nothing before or after it; `whole` where all of a set may be meant."""
    hint = "add the value, or remove the comma"
    if whole:
        hint = "to take all members of a set, sum over it: 'sum(c in County: x[t, c])'"
    return Diagnostic("E1016", "nothing stands between this comma and what follows", span, hint)


def misplaced_comma(span: Span) -> Diagnostic:
    """A comma outside of brackets."""
    hint = "statements and terms follow each other without commas"
    return Diagnostic("E1016", "a comma cannot stand here", span, hint)


def missing_comma(span: Span, word: str) -> Diagnostic:
    """Two values in a list stand side by side."""
    message = f"expected a comma or an operator before '{word}'"
    return Diagnostic("E1016", message, span)


def missing_dots(span: Span, word: str, example: str) -> Diagnostic:
    """A range without `..`."""
    message = f"expected '..' between the two ends of the range, but {found(word)}"
    return Diagnostic("E1017", message, span, f"a range reads '{example}'")


def unreadable(span: Span | None, reason: str, hint: str | None = None) -> Diagnostic:
    """The file cannot be opened, or is not text in UTF-8."""
    return Diagnostic("E1018", reason, span, hint)


def too_large(name: str, limit: int) -> Diagnostic:
    """The file is far larger than any model."""
    message = f"'{name}' is larger than {limit // 1_000_000} MB, which no model is"
    return Diagnostic("E1019", message, None, "data belongs into tables, not into the model")


def too_deep(span: Span, limit: int) -> Diagnostic:
    """Nesting beyond what later stages can walk."""
    hint = "give parts of it a name with 'let'"
    return Diagnostic("E1020", f"this is nested more than {limit} levels deep", span, hint)


def missing_quotes(span: Span, what: str, text: str) -> Diagnostic:
    """A description or a file name without quotes."""
    return Diagnostic("E1021", f"{what} stands in double quotes", span, f'write "{text}"')


def missing_from(span: Span, word: str, statement: str) -> Diagnostic:
    """`table` or `use` without `from`."""
    example = 'table NAME from "FILE.csv"' if statement == "table" else 'use NAME from "FILE.alloc"'
    message = f"expected 'from' and the file, but {found(word)}"
    return Diagnostic("E1022", message, span, f"write '{example}'")


def missing_value(span: Span, after: str, word: str, hint: str | None = None) -> Diagnostic:
    """An expression is expected and does not come."""
    message = f"expected a value after '{after}', but {found(word)}"
    return Diagnostic("E1023", message, span, hint or f"a value is {_A_VALUE}")


def missing_colon(span: Span, word: str, hint: str) -> Diagnostic:
    """`:` is missing between a statement's name and its contents."""
    return Diagnostic("E1024", f"expected ':', but {found(word)}", span, hint)


def misplaced(span: Span, block: str) -> Diagnostic:
    """A statement that cannot stand in this block."""
    word = span.text.split(None, 1)[0]
    head = Span(span.source, span.start, span.start + len(word))
    hint = "move it out of the block"
    return Diagnostic("E1025", f"'{word}' cannot stand inside {block}", head, hint)


def not_a_comparison(keyword: str, span: Span) -> Diagnostic:
    """A limit that compares nothing."""
    message = f"a '{keyword}' compares two sides, but there is no comparison here"
    return Diagnostic("E1026", message, span, "write '<=', '==' or '>=' between the two sides")


def no_condition(span: Span) -> Diagnostic:
    """A part of a limit put together by logic that is no condition."""
    text = _short(span)
    return Diagnostic(
        "E1026",
        f"'{text}' is no condition: it compares nothing",
        span,
        f"compare it, as in '{text} == 1' for a binary decision",
    )


def bad_index_entry(span: Span) -> Diagnostic:
    """An entry of an index list that names no set."""
    hint = "an entry reads 'c in County', '(a, b) in Link' or only 'County'"
    return Diagnostic("E1027", f"'{_short(span)}' names no set to run over", span, hint)


def filter_without_body(span: Span) -> Diagnostic:
    """A filter in a call, and nothing that it filters."""
    hint = "write 'sum(c in County if CONDITION: VALUE)'"
    return Diagnostic("E1027", "after a filter, ':' and a value must follow", span, hint)


def number_as_unit(span: Span) -> Diagnostic:
    """A number where a unit should stand."""
    message = f"'{span.text}' is not a unit"
    hint = "a unit reads 'person', '1/year' or 'USD/(person*year)'; a value follows after '='"
    return Diagnostic("E1028", message, span, hint)


def unit_exponent(span: Span) -> Diagnostic:
    """A unit's exponent is not a whole number."""
    return Diagnostic("E1028", "the power of a unit is a whole number, such as 2", span)


def missing_unit(span: Span, word: str) -> Diagnostic:
    """A colon that no unit follows."""
    return Diagnostic("E1028", f"expected a unit, but {found(word)}", span)


def out_of_order(span: Span, statement: str, order: str) -> Diagnostic:
    """The parts of a statement stand in another order."""
    message = f"'{span.text}' comes too late in this '{statement}'"
    return Diagnostic("E1029", message, span, f"the order is '{order}'")


def range_after_value(span: Span) -> Diagnostic:
    """A parameter's range stands behind its value."""
    hint = "the order is 'param NAME in LOW .. HIGH = VALUE'"
    return Diagnostic("E1029", "the range of a 'param' comes before its value", span, hint)


def flow_without_ends(span: Span) -> Diagnostic:
    """A flow from nowhere to nowhere."""
    hint = "write 'A -> B', '-> B' for a source, or 'A ->' for a sink"
    return Diagnostic("E1030", "this flow joins no compartment", span, hint)


def _short(span: Span, limit: int = 40) -> str:
    text = " ".join(span.text.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def bad_draws(span: Span, largest: int) -> Diagnostic:
    """A number of draws that is none."""
    message = f"the number of draws is a whole number from 1 to {largest:_}"
    return Diagnostic("E1031", message, span, "60 are a good begin: `draws 60`")

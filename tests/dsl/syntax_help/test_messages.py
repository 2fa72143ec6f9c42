"""Messages word for word, with their places."""

from __future__ import annotations

import re

import pytest

from allocc.dsl import Diagnostic, DiagnosticError, Source, parse

# A text, then `!!` with code, line, column and message of its only diagnostic, then `??` its hint.
CASES = """
decide x integr in 0 .. 5
!! E1001 1:10 expected 'integer', but found 'integr'
?? did you mean 'integer'?

effect treat = 3
!! E1001 1:14 expected '+=' or '*=', but found '='
?? an effect adds with '+=' to a flow, or scales a parameter with '*='

flow a : S E = 3
!! E1001 1:12 expected '->', but found 'E'
?? write 'flow NAME[SET] "text" : FROM -> TO = VALUE'

param x = 3 4
!! E1001 1:13 expected an operator or the next statement, but found '4'

param x = 3 x
!! E1001 1:13 expected an operator or the next statement, but found 'x'

param x = 3x
!! E1001 1:12 expected an operator, but found 'x'
?? to multiply, write '3 * x'

decide x[c in County] >= 0
!! E1001 1:23 expected 'in' and the range, but found '>='
?? a range reads 'in 0 .. 5'; 'in 0 ..' has no upper end

limit a[c in County if c != 3, p in period]: x[c, p] <= 3
!! E1001 1:30 expected ']', but found ','
?? a filter stands at the end of its index: move 'if ...' behind the last entry

limit a: sum(c in C if c != 3, d in C: x[c, d]) <= 3
!! E1001 1:30 expected ':', but found ','
?? a filter stands at the end of its index: move 'if ...' behind the last entry

limit a: sum(x[c] for c in County) <= 3
!! E1001 1:19 expected ')', but found 'for'
?? a sum reads 'sum(c in County: x[c])'

limit a: sum{c in County} x[c] <= 3
!! E1001 1:13 expected '(', but found '{'
?? a sum reads 'sum(c in County: x[c])'

limit a: sum(c in County) (x[c] + 1) <= 3
!! E1001 1:27 expected an operator, but found '('
?? what is added stands inside of the parentheses: 'sum(c in County: x[c])'

limit a[t]: sum(x[t, :]) <= 3
!! E1016 1:20 nothing stands between this comma and what follows
?? to take all members of a set, sum over it: 'sum(c in County: x[t, c])'

param x = county.attack rate
!! E1001 1:25 expected an operator, but found 'rate'
?? a column's name that is no single word stands in quotes: 'county."attack rate"'

param x = county.2021
!! E1001 1:18 expected a column's name, but found '2021'
?? a column's name that is no single word stands in quotes: 'county."2021"'

table a from "a.csv" key county name
!! E1001 1:33 expected the next statement, but found 'name'
?? a column's name that is no single word stands in quotes: 'key "county name"'

param 2x = 3
!! E1001 1:7 expected a name, but found '2'
?? a name begins with a letter

prefer a: x <= 3
param y = 3
!! E1001 1:17 expected 'penalty', but the statement ends here
?? write 'prefer NAME[SET] "text" : LEFT <= RIGHT penalty WEIGHT'

chance a: probability 0.9 over s in S { limit b: x <= 3 }
!! E1001 1:39 expected 'weight', but found '{'
?? write 'chance NAME : probability P over s in SET weight W { limit ... }'

minimize deaths : 3
!! E1001 1:10 expected '{', but found 'deaths'
?? write 'minimize { NAME "text" : VALUE }'

param x = county.
!! E1001 1:18 expected a column's name, but the statement ends here
?? write 'param NAME[SET] "text" : UNIT integer in LOW .. HIGH = VALUE'

param x = 3 order
!! E1001 1:13 expected an operator or the next statement, but found 'order'

prefer a: x <= 3
!! E1001 1:17 expected 'penalty', but the statement ends here
?? write 'prefer NAME[SET] "text" : LEFT <= RIGHT penalty WEIGHT'

param x = "a" b
!! E1001 1:15 expected an operator or the next statement, but found 'b'

use l1 from "x" (a 3)
!! E1001 1:20 expected '=', but found '3'
?? write 'use NAME from "FILE.alloc"'

table x from "a.csv" keys fips
!! E1001 1:22 expected 'key', but found 'keys'
?? did you mean 'key'?

time t = 0 .. 3 step 1 methode euler
!! E1001 1:24 expected 'method', but found 'methode'
?? did you mean 'method'?

time t = 0 .. 3 stp 1
!! E1001 1:17 expected 'step', but found 'stp'
?? did you mean 'step'?

param x = a.5
!! E1001 1:13 expected a column's name, but found '5'
?? a column's name that is no single word stands in quotes: 'a."5"'

compartment S : person =
!! E1001 1:24 expected the next statement, but found '='
?? give its first value with 'initial NAME = VALUE'

compartment S = 3
!! E1001 1:15 expected the next statement, but found '='
?? give its first value with 'initial NAME = VALUE'

limit a: 3 <= x penalty 3
!! E1001 1:17 expected an operator or the next statement, but found 'penalty'
?? a limit that may be broken at a price is a 'prefer'

param x = 1 -- 2 3
!! E1001 1:18 expected an operator or the next statement, but found '3'

limit cap: a <= b penalty 3
!! E1001 1:19 expected an operator or the next statement, but found 'penalty'
?? a limit that may be broken at a price is a 'prefer'

decide x integer 0 .. 5
!! E1001 1:18 expected 'in' and the range, but found '0'
?? a range reads 'in 0 .. 5'; 'in 0 ..' has no upper end

comparment S : person
!! E1002 1:1 'comparment' does not begin a statement; did you mean 'compartment'?

param a = 3
comparment S "x" : person
!! E1002 2:1 'comparment' does not begin a statement; did you mean 'compartment'?

Param x = 3
!! E1002 1:1 'Param' does not begin a statement; did you mean 'param'?

var x in 0 .. 1
!! E1002 1:1 'var' does not begin a statement; did you mean 'decide'?

x = 3
!! E1003 1:1 every statement begins with a keyword, but found 'x'
?? did you mean 'param x = 3' or 'let x = 3'?

x <= 3
!! E1003 1:1 every statement begins with a keyword, but found 'x'
?? did you mean 'limit NAME: x <= 3'?

param set = 3
!! E1004 1:7 'set' is a word of the language and cannot be a name
?? choose another name, such as 'set_'

param x = 3 * set
!! E1004 1:15 'set' is a word of the language and cannot be a name
?? choose another name, such as 'set_'

param x
param
param y = 3
!! E1004 2:6 expected a name after 'param', but the statement ends here

intervention { decide x }
!! E1004 1:14 expected a name after 'intervention', but found '{'

param x 3
!! E1005 1:9 expected '=' before the value
?? write '= 3'

flow a : S -> E
!! E1005 1:16 a 'flow' needs '=' and a value, but the statement ends here

let x
!! E1005 1:6 a 'let' needs '=' and a value, but the statement ends here

set x
!! E1005 1:6 a 'set' needs '=' and a value, but the statement ends here

initial S 3
!! E1005 1:11 expected '=' before the value
?? write '= 3'

limit a: x = 3
!! E1006 1:12 '=' does not compare
?? to say that both are equal, write '=='

limit a: x =< 3
!! E1007 1:12 '=<' is not an operator here
?? write '<='

param x := 3
!! E1007 1:9 ':=' is not an operator here
?? write '='

param y = a && b
!! E1007 1:13 '&&' is not an operator here
?? write 'and'

param y = a ** 2
!! E1007 1:13 '**' is not an operator here
?? write '^' for a power

param x = a !b
!! E1007 1:13 '!' is not an operator here
?? write 'not'

param x = a ≤ b
!! E1007 1:13 '≤' is not an operator here
?? write '<='

param y = (a + b
param z = 3
!! E1008 1:11 the '(' opened here is never closed
?? add the missing ')'

intervention a "x" {
  decide b
minimize { a: b }
!! E1008 1:20 the '{' opened here is never closed
?? add the missing '}'

param x = a[1, 2
!! E1008 1:12 the '[' opened here is never closed
?? add the missing ']'

function f(x = 3
!! E1008 1:11 the '(' opened here is never closed
?? add the missing ')'

param x = a[t-1 else 0
!! E1008 1:12 the '[' opened here is never closed
?? add the missing ']'

{
!! E1008 1:1 the '{' opened here is never closed
?? add the missing '}'

intervention a "x" {
  decide b

minimize { a: b }
!! E1008 1:20 the '{' opened here is never closed
?? add the missing '}'

param x = (a]
!! E1009 1:13 expected ')' to close '(', but found ']'
?? write ')'

)
!! E1009 1:1 this ')' closes nothing
?? remove it

param x "abc
param y = 3
!! E1010 1:9 this text has no closing quote
?? a text ends with '"' on the line where it begins

"abc
!! E1010 1:1 this text has no closing quote
?? a text ends with '"' on the line where it begins

param x = 'a'
!! E1011 1:11 a text stands in straight double quotes
?? write "a"

param x “hello” = 3
!! E1011 1:9 a text stands in straight double quotes
?? write "hello"

S' = 3
!! E1011 1:2 a text stands in straight double quotes
?? write "..."

param x = 1e999
!! E1012 1:11 the number '1e999' is too large

param x = 3;
!! E1014 1:12 ';' cannot stand here
?? statements end without a sign; remove it

param x = 3 // comment
!! E1014 1:13 '//' cannot stand here
?? a comment begins with '#'

param größe = 3
!! E1014 1:7 the name 'größe' cannot stand here
?? names are written with the letters a to z, digits and '_'

param x = 5 %
!! E1014 1:13 '%' cannot stand here
?? a percentage is written without a space, as '5%'

param x\0 = 3
!! E1014 1:8 a NUL character cannot stand here
?? the file may be damaged, or saved as UTF-16; save it as UTF-8

param x\u00a0= 3
!! E1014 1:8 a special space cannot stand here
?? replace it by an ordinary space

param x = f(a; b)
!! E1014 1:14 ';' cannot stand here
?? statements end without a sign; remove it

param x = if a > b 3 else 4
!! E1015 1:20 expected 'then' after the condition, but found '3'
?? a choice reads 'if CONDITION then VALUE else VALUE'

param x = y else 3
!! E1015 1:13 this 'else' has no 'if'
?? 'else' belongs to an 'if', to a subscript as in 'x[t-1] else 0', or to a column as in 'table.column else 0'

minimize { deaths : 3, burden : 4 }
!! E1016 1:22 a comma cannot stand here
?? statements and terms follow each other without commas

set x = {a b}
!! E1016 1:12 expected a comma or an operator before 'b'

param x in 0 1 = 3
!! E1017 1:14 expected '..' between the two ends of the range, but found '1'
?? a range reads 'in 0 .. 1'

time t = 0 to 10
!! E1017 1:12 expected '..' between the two ends of the range, but found 'to'
?? a range reads 'time t = 0 .. 1'

time t : year = 0
!! E1017 1:18 expected '..' between the two ends of the range, but the statement ends here
?? a range reads 'time t = 0 .. 1'

set K = 1 . 3
!! E1017 1:11 expected '..' between the two ends of the range, but found '.'
?? a range reads '1 .. 3'

table county from a.csv
!! E1021 1:19 a file's name stands in double quotes
?? write "a.csv"

compartment S susceptible : person
!! E1021 1:15 a description stands in double quotes
?? write "susceptible"

param grant treatment grant : USD = 3
!! E1021 1:13 a description stands in double quotes
?? write "treatment grant"

limit cap total spend: x <= 3
!! E1021 1:11 a description stands in double quotes
?? write "total spend"

model a A title
!! E1021 1:9 a description stands in double quotes
?? write "A title"

table county "a.csv"
!! E1022 1:14 expected 'from' and the file, but found '"a.csv"'
?? write 'table NAME from "FILE.csv"'

use l1 "equity.alloc"
!! E1022 1:8 expected 'from' and the file, but found '"equity.alloc"'
?? write 'use NAME from "FILE.alloc"'

param x = 1 + if a then b else c
!! E1023 1:15 expected a value after '+', but found 'if'
?? put parentheses around 'if ...'

param x = a[t] else
!! E1023 1:20 expected a value after 'else', but the statement ends here
?? a value is a number, a name, or an expression in parentheses

param x = - - -
!! E1023 1:16 expected a value after '-', but the statement ends here
?? a value is a number, a name, or an expression in parentheses

param x = a < 
!! E1023 1:14 expected a value after '<', but the statement ends here
?? a value is a number, a name, or an expression in parentheses

param x[c in] = 3
!! E1023 1:13 expected a value after 'in', but found ']'
?? a value is a number, a name, or an expression in parentheses

param x[] = 3
!! E1023 1:9 expected a value after '[', but found ']'
?? a value is a number, a name, or an expression in parentheses

limit x + y <= 3
!! E1024 1:9 expected ':', but found '+'
?? write 'limit NAME[SET] "text" : LEFT <= RIGHT'

minimize { deaths = 3 }
!! E1024 1:19 expected ':', but found '='
?? a term reads 'NAME "text" : VALUE'

limit cap x <= 3
!! E1024 1:11 expected ':', but found 'x'
?? write 'limit NAME[SET] "text" : LEFT <= RIGHT'

minimize { deaths 3 }
!! E1024 1:19 expected ':', but found '3'
?? a term reads 'NAME "text" : VALUE'

minimize { a : 3 b 4
c : 3 }
!! E1024 1:20 expected ':', but found '4'
?? a term reads 'NAME "text" : VALUE'

intervention x { param y = 3 time t = 0 .. 3 }
!! E1025 1:30 'time' cannot stand inside an intervention
?? move it out of the block

limit a: x
!! E1026 1:10 a 'limit' compares two sides, but there is no comparison here
?? write '<=', '==' or '>=' between the two sides

limit b: not x
!! E1026 1:14 'x' is no condition: it compares nothing
?? compare it, as in 'x == 1' for a binary decision

limit b: x >= 2 if open[c]
!! E1026 1:20 'open[c]' is no condition: it compares nothing
?? compare it, as in 'open[c] == 1' for a binary decision

limit a[3]: x <= 3
!! E1027 1:9 '3' names no set to run over
?? an entry reads 'c in County', '(a, b) in Link' or only 'County'

param x = sum(c in C if x > 3)
!! E1027 1:11 after a filter, ':' and a value must follow
?? write 'sum(c in County if CONDITION: VALUE)'

param x : = 3
!! E1028 1:11 expected a unit, but found '='

param x : 3
!! E1028 1:11 '3' is not a unit
?? a unit reads 'person', '1/year' or 'USD/(person*year)'; a value follows after '='

unit vial = 6 6
!! E1028 1:15 '6' is not a unit
?? a unit reads 'person', '1/year' or 'USD/(person*year)'; a value follows after '='

param x : person^0.5 = 3
!! E1028 1:18 the power of a unit is a whole number, such as 2

decide x in 0 .. 5 integer
!! E1029 1:20 'integer' comes too late in this 'decide'
?? the order is 'decide NAME[SET] "text" : UNIT integer in LOW .. HIGH after SCENARIO'

param x in 0 .. 1 : unit2 = 3
!! E1029 1:19 ':' comes too late in this 'param'
?? the order is 'param NAME[SET] "text" : UNIT integer in LOW .. HIGH = VALUE'

param x = 3 in 0 .. 1
!! E1029 1:16 the range of a 'param' comes before its value
?? the order is 'param NAME in LOW .. HIGH = VALUE'

time t = 0 .. 3 method euler step 1
!! E1029 1:30 'step' comes too late in this 'time'
?? the order is 'time NAME "text" : UNIT = START .. END step STEP method NAME'

flow a: -> = 3
!! E1030 1:9 this flow joins no compartment
?? write 'A -> B', '-> B' for a source, or 'A ->' for a sink
"""
_CASE = re.compile(r"(.*?)\n!! (E\d+) (\d+):(\d+) (.*?)(?:\n\?\? (.*?))?(?:\n\n|\Z)", re.DOTALL)
SPLIT = [found.groups() for found in _CASE.finditer(CASES.strip("\n"))]


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticError) as caught:
        parse(Source("model.alloc", text))
    return caught.value.diagnostics


@pytest.mark.parametrize(("text", "code", "line", "column", "message", "hint"), SPLIT)
def test_message(
    text: str, code: str, line: str, column: str, message: str, hint: str | None
) -> None:
    (found,) = errors(text)
    assert found.span is not None
    assert (found.code, found.span.line, found.span.column) == (code, int(line), int(column))
    assert (found.message, found.hint) == (message, hint)


@pytest.mark.parametrize("case", SPLIT)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_error_leaves_its_neighbours_alone(case: tuple[str, ...], ending: str) -> None:
    text = ending.join(["param before = 1", *case[0].split("\n"), "param after = 2"])
    codes = [found.code for found in errors(text)]
    assert codes == [case[1]]


def test_there_are_many_cases() -> None:
    assert len(SPLIT) == CASES.count("\n!! ") > 80

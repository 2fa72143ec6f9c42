"""The words of the language, each with a line about it: the one list of them.

The tests hold the grammar, the colors (of Pygments and of the editors) and the compiler against it.
"""

from __future__ import annotations

#: Words that begin a statement.
STATEMENTS = {
    "model": 'the name and title of the model: `model NAME "title"`',
    "use": 'statements of another file: `use NAME from "FILE.alloc" (parameter = EXPRESSION)`',
    "table": 'a CSV file: `table NAME from "FILE.csv" key COLUMN`',
    "set": "labels: `set NAME = EXPRESSION`",
    "unit": "a unit: `unit NAME`, or `unit NAME = 10 OTHER`",
    "param": 'data: `param NAME[INDEX] "description" : UNIT in LOW .. HIGH = EXPRESSION`',
    "let": 'a named expression: `let NAME[INDEX] "description" : UNIT = EXPRESSION`',
    "time": "the horizon: `time NAME : UNIT = FIRST .. LAST step STEP method METHOD`",
    "compartment": 'a group of people: `compartment NAME[INDEX] "description" : UNIT`',
    "initial": "a compartment at the start: `initial NAME[INDEX] = EXPRESSION`",
    "flow": 'what moves: `flow NAME[INDEX] "description" : FROM -> TO = EXPRESSION`',
    "intervention": 'a block of what belongs together: `intervention NAME "description" { ... }`',
    "decide": 'a decision: `decide NAME[INDEX] "description" : UNIT integer in LOW .. HIGH`',
    "effect": "what decisions do: `effect FLOW += EXPRESSION`, or `effect PARAM *= EXPRESSION`",
    "limit": 'a hard limit: `limit NAME[INDEX] "description": LEFT <= RIGHT`',
    "prefer": 'a soft limit: `prefer NAME[INDEX] "description": LEFT <= RIGHT penalty WEIGHT`',
    "chance": "limits that hold with a probability: "
    "`chance NAME: probability P over INDEX weight WEIGHT { limit ... }`",
    "policy": 'an allocation by a rule: `policy NAME "description" { DECISION[INDEX] = EXPRESSION ... }`',
    "report": "what an allocation leads to, evaluated afterwards: "
    '`report NAME[INDEX] "description" : UNIT = EXPRESSION`',
    "fit": 'what data say about parameters: `fit NAME "description" { time ... estimate ... observe ... }`',
    "uncertain": "a parameter that is not known exactly: `uncertain NAME[INDEX] ~ normal(MEAN, SD)`",
    "scenario": 'what may come: `scenario NAME "description" from "FILE.csv"`, or `scenario NAME draws 60`',
    "function": "an expression with arguments: `function NAME(x[S], y) = EXPRESSION`",
    "minimize": "the objective, in terms that are added: `minimize { NAME : EXPRESSION ... }`",
    "maximize": "the objective, in terms that are added: `maximize { NAME : EXPRESSION ... }`",
}
#: What cannot stand in any block, so that before it a block must have ended.
OUTSIDE = frozenset(
    [
        *("model", "use", "table", "unit", "time", "function", "intervention", "policy", "fit"),
        *("uncertain", "scenario", "minimize", "maximize"),
    ]
)
#: Words that are kept for their places only.
SOFT = (
    "from",
    "key",
    "step",
    "method",
    "integer",
    "binary",
    "penalty",
    "probability",
    "over",
    "weight",
    "decided",
    "estimate",
    "observe",
    "implies",
    "of",
    "draws",
    "by",
    "after",
)
#: Words inside of expressions and indices.
WORDS = ("if", "then", "else", "and", "or", "not", "in")
RESERVED = frozenset([*STATEMENTS, *WORDS])
#: Functions that every model has without declaring them, but those of one number: these have their words
#: with them (`allocc.compiler.functions`).
FUNCTIONS = {
    "sum": "`sum(i in S: x[i])`, `sum(x)`: the sum",
    "mean": "`mean(i in S: x[i])`, `mean(x)`: the average",
    "min": "`min(i in S: x[i])`, `min(x, y)`: the smallest value",
    "max": "`max(i in S: x[i])`, `max(x, y)`: the largest value",
    "total": "`total(p in period: x[p])`, `total(x)`: the amount of a rate over time, "
    "its sum times the step",
    "count": "`count(i in S: CONDITION)`: for how many a condition of whole numbers holds",
    "interpolate": "`interpolate(x, table.column)`: the value of a column between the rows whose last key is next to `x`",
    "latest": "`latest(x, table.column)`: the value of a column at its largest key up to `x`; on data only",
    "floor": "`floor(x)`: the largest whole number that is not above `x`; on data only",
    "binomial": "`binomial(k, n, p)`: the probability of at most `k` successes in `n` trials "
    "of probability `p`; on data only",
}
#: The amount of a rate over time.
TOTAL = "total"
#: How often a condition holds.
COUNT = "count"
#: Values of a column between its rows, and at the row before.
INTERPOLATE = "interpolate"
CURVES = (INTERPOLATE, "latest")
#: Functions of data alone.
DATA_FUNCTIONS = ("floor", "binomial")
#: Functions for which a model may declare its own of the same name.
REPLACEABLE = (TOTAL, COUNT, *CURVES, *DATA_FUNCTIONS)
#: Places in time that every model has without declaring them.
PLACES = {
    "start": "the first point in time",
    "end": "the last point in time",
    "period": "the set of periods; each is named by the point at which it begins",
}
#: How flows are taken over a period.
METHODS = {
    "euler": "takes the flows at the begin of each period",
    "trapezoid": "takes the mean of the flows at both ends of each period",
    "implicit": "takes the flows at the end of each period",
    "exponential": "exact for flows that are linear in the compartments",
}


def ends_block(block: str, keyword: str) -> bool:
    """Whether a block of this word must have ended before a statement; a fit has a time of its own."""
    return keyword in OUTSIDE and (block, keyword) != ("fit", "time")

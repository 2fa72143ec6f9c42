"""One line on each word of the language, for hover and completion."""

from __future__ import annotations

from allocc.compiler import functions

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
    "report": "what an allocation leads to, evaluated afterwards: "
    '`report NAME[INDEX] "description" : UNIT = EXPRESSION`',
    "function": "an expression with arguments: `function NAME(x[S], y) = EXPRESSION`",
    "minimize": "the objective, in terms that are added: `minimize { NAME : EXPRESSION ... }`",
    "maximize": "the objective, in terms that are added: `maximize { NAME : EXPRESSION ... }`",
}
FUNCTIONS = {
    "sum": "`sum(i in S: x[i])`, `sum(x)`: the sum",
    "total": "`total(p in period: x[p])`, `total(x)`: the amount of a rate over time, "
    "its sum times the step",
    "mean": "`mean(i in S: x[i])`, `mean(x)`: the average",
    "min": "`min(i in S: x[i])`, `min(x, y)`: the smallest value",
    "max": "`max(i in S: x[i])`, `max(x, y)`: the largest value",
    **{name: word.about for name, word in functions.WORDS.items()},
    "floor": "`floor(x)`: the largest whole number that is not above `x`; on data only",
    "binomial": "`binomial(k, n, p)`: the probability of at most `k` successes in `n` trials "
    "of probability `p`; on data only",
}
PLACES = {
    "start": "the first point in time",
    "end": "the last point in time",
    "period": "the set of periods; each is named by the point at which it begins",
}
METHODS = {
    "euler": "takes the flows at the begin of each period",
    "trapezoid": "takes the mean of the flows at both ends of each period",
    "exponential": "exact for flows that are linear in the compartments",
}

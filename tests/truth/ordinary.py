"""Small ordinary models with large or small numbers, whose best allocation is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A model and the value of its best allocation; None where no allocation meets every limit."""

    name: str
    truth: float | None
    text: str
    #: What a value near a truth of zero may be off by.
    near: float = 0.0


def _sir(
    horizon: int, well: float, ill: float, beta: float, leave: float, decided: str, rest: str
) -> str:
    return f"""
model sir
time t : day = 0 .. {horizon}
compartment S initial S = {well}
compartment I initial I = {ill}
compartment R initial R = 0
param beta = {beta}
flow infect : S -> I = beta * S * I
flow recover : I -> R = {leave} * I
decide u[period] {decided}
{rest}
"""


#: Epidemics: the truth is the best of all allocations, simulated (the best one is in the comment).
EPIDEMICS = [
    Known(  # u = 1, 0
        "town of 4,000",
        133.62089,
        _sir(2, 4019.86, 49.14, 0.0002943, 0.34, "binary", """
effect beta *= 1 - 0.42 * u
limit beds[t]: I[t] <= 143.195
limit budget: sum(u) <= 1
minimize { o: sum(k in period: infect[k]) c: 22.3 * sum(u) }"""),
    ),
    Known(  # u = 0, 0, 1
        "town of 31,000",
        4181.505,
        _sir(3, 30398.5, 641.5, 3.815e-05, 0.13, "binary", """
effect beta *= 1 - 0.35 * u
limit beds[t]: I[t] <= 4578.38
limit budget: sum(u) <= 1
minimize { o: I[end] c: 93.4 * sum(u) }"""),
    ),
    Known(  # u = 3, 0, 0, 0
        "city of 425,000",
        67291.457,
        _sir(4, 417939.0, 7361.0, 1.736e-06, 0.16, "integer in 0 .. 3", """
flow jab : S -> R = 0
effect jab += 23300.0 * u
limit beds[t]: I[t] <= 34884.4
limit budget: sum(u) <= 6
minimize { o: max(t: I[t]) c: 11400.0 * sum(u) }"""),
    ),
    Known(  # u = 0, 1
        "country of 66 million",
        11996110.784,
        _sir(2, 63776000.0, 2624000.0, 1.662e-08, 0.16, "binary", """
effect beta *= 1 - 0.29 * u
limit beds[t]: I[t] <= 8508930.0
limit budget: sum(u) <= 1
minimize { o: I[end] c: 4220000.0 * sum(u) }"""),
    ),
    Known(
        "three stocks, to maximize",
        222107.1956,
        """
model m
time t : day = 0 .. 0.75 step 0.25 method euler
compartment A initial A = 66490.0
compartment B initial B = 178800.0
compartment D initial D = 18080.0
decide u[period] integer in 0 .. 3
param r0 = 1.55e-6
flow f0 : D -> A = r0 * D * B
effect r0 *= 1 + 0.0666 * u * g / 3
effect f0 += 9340.0 * u * g
decide g integer in 0 .. 3
limit l0: sum(t: D[t]) <= 54756.00253191694
maximize {
  o0: (1.02 * A[0.75])
  o1: (2.51 * min(t: A[t]))
  o2: ((-22900.0) * sum(u))
}
""",
    ),
]  # fmt: skip

MONEY = [
    Known(
        "two S-shaped programmes in dollars",
        281.89807,
        """
model two
decide x in 0 .. 42000000
decide y in 0 .. 9000000
limit b: x + y <= 15000000
maximize { g: 280 * x^2 / (196000000000000 + x^2) + 250 * y^2 / (9000000000000 + y^2) }
""",
    ),
    Known(  # x = y = 2,000,000: 4 (3 - 2) + 2 * 4 (3 - 2)
        "cubic effects in dollars",
        12.0,
        """
model cube
decide x in 0 .. 3000000
decide y in 0 .. 3000000
param h = 1000000
limit b: x + y <= 4000000
maximize { g: (x / h)^2 * (3 - x / h) + 2 * (y / h)^2 * (3 - y / h) }
""",
    ),
    Known(  # it grows in the money: 100 * 9 / (1 + 9)
        "one S-shaped programme in dollars",
        90.0,
        """
model one
param half = 14000000
decide spend in 0 .. 3 * half
maximize { g: 100 * spend^2 / (half^2 + spend^2) }
""",
    ),
    Known(  # the better one first: 0.8 + 0.6 * 0.5
        "shares of people bought with dollars",
        1.1,
        """
model a
set G = {north, south}
param per_usd[g in G] = if g == "north" then 0.0000000008 else 0.0000000006
decide spend[G] : USD in 0 .. 1000000000
decide share[G] in 0 .. 1
limit money: sum(spend) <= 1500000000
limit cover[g in G]: share[g] <= per_usd[g] * spend[g]
maximize { covered: sum(share) }
""",
    ),
    Known(  # all of the money: 10 - 5e-10 * 3e9
        "millions of people treated with dollars",
        8.5,
        """
model b
time y : year = 0 .. 2
param per_usd = 0.0000000005
compartment A initial A = 10
decide spend[period] in 0 .. 2000000000
flow heal : A -> = per_usd * spend
limit money: sum(spend) <= 3000000000
minimize { ill: A[end] }
""",
    ),
]


def outbreak(unit: float, beds: float) -> str:
    """An outbreak that tests slow down; amounts times a unit, the objective in millionths of it."""
    return f"""
model outbreak
time d : day = 0 .. 10
compartment I initial I = {4 * unit!r}
compartment W initial W = {2 * unit!r}
compartment R initial R = 0
flow spread : -> I = 0.25 * I
flow enter  : I -> W = 0.2 * I
flow out    : W -> R = 0.15 * W
decide test[period] in 0 .. {3 * unit!r}
flow find : I -> R = test
limit ward[d]: W[d] <= {beds * unit!r}
minimize {{ tests : {0.1 / unit!r} * sum(p in period: test[p]) }}
"""


_OFF_TARGET = """
model target
decide x in 1 .. 5
decide y in 1 .. 5
decide z in 0 .. 3
limit mix: x + y + z == 7
"""

SMALL = [
    Known(  # both in the middle: log10(2 * 10^-6.5)
        "tiny risks",
        -6.1989700043,
        """
model tiny
decide y1 in -9 .. -6
decide y2 in -9 .. -6
decide z in -18 .. 0
limit together: y1 + y2 >= -13
limit risk: 10 ^ y1 + 10 ^ y2 <= 10 ^ z
minimize { ceiling : z }
""",
    ),
    # There are more in the ward today than it has beds.
    Known("full ward, in persons", None, outbreak(1.0, 0.1)),
    Known("full ward, in shares", None, outbreak(1e-7, 0.1)),
    # x + y = 5.9 and x y = 5.3 have a solution in the ranges, z = 1.1.
    Known(
        "squared miss of nothing",
        0.0,
        _OFF_TARGET + "minimize { miss : (x * y - 5.3) ^ 2  far : abs(z - 1.1) }",
        near=1e-4,
    ),
    Known(
        "absolute miss of nothing",
        0.0,
        _OFF_TARGET + "minimize { miss : abs(x * y - 5.3)  far : abs(z - 1.1) }",
        near=1e-4,
    ),
    Known(
        "logarithm of one, whole",
        0.0,
        "model m\ndecide y integer in -1 .. 2\nminimize { o: log(abs(y) + 1) }",
        near=1e-6,
    ),
    Known(
        "root of zero",
        0.0,
        "model m\ndecide y in 0 .. 2\nminimize { o: sqrt(y) }",
        near=1e-4,
    ),
    Known(
        "logarithm of one",
        0.0,
        "model m\ndecide y in 0 .. 2\nlimit a: y >= 1\nminimize { o: log(y) }",
        near=1e-4,
    ),
    Known(
        "cube of a whole number",
        1.0,
        "model m\ndecide n integer in -1 .. 1\nlimit l: log(2 + abs(n)) >= 0.3386\n"
        "maximize { o: n * n * n }",
    ),
]

#: Treatment of tuberculosis, to maximize. With 2,084,962.5 for starts and the rest for support, the
#: simulation reaches this value and meets every limit.
TB_VALUE = 376488.9157
TB = """
model tb4
time t : year = 2020 .. 2030 step 1 method euler
param budget = 11179436.0
param success = 5
param fail = 0.16
param lost0 : person = 60463.79439247586
param tx0   : person = 159334.44911725205
param txs0  : person = 310263.1564902727
param dx0   : person = 1943.5999999998567
param all_  : person = dx0 + lost0 + tx0 + txs0
compartment lost : person     initial lost = lost0
compartment tx   : person     initial tx   = tx0
compartment txs  : person     initial txs  = txs0
compartment waiting : person  initial waiting = dx0 + lost0
decide start_ in 0 .. budget
decide support in 0 .. budget
decide other in 0 .. budget
limit money: start_ + support + other == budget
function cover(money, price, people) = max(0, min(1, money / (price * people)))
function leaving(money) = 0.1 - 0.05 * cover(money, 100, all_ - waiting)
flow treat   : waiting -> tx = 0.6 * cover(start_, 35, waiting) * waiting
flow again   : lost ->       = 0.6 * cover(start_, 35, waiting) * lost
flow drop    : tx -> waiting = tx * leaving(support) / (success + leaving(support))
flow cure    : tx -> txs     = success * tx / (success + leaving(support))
flow relapse : txs -> tx     = fail * txs
flow quit    : txs -> waiting = leaving(support) * txs
flow lose    : -> lost       = drop + quit
limit range_[t]: 1 <= waiting[t] <= all_ - 1
maximize { success_ : txs[end] }
"""

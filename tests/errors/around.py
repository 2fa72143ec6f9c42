"""What stands around the examples of `codes.md`: an example shows the few words that matter.

`AROUND` has the statements that the example of a code needs besides its own; where both declare a
name, the example's counts. `FILES` lie in the folder of every example.
"""

from __future__ import annotations

OBJECTIVE = "decide anything in 0 .. 1\nminimize { cost : anything }\n"

_X = "decide x in 0 .. 9\n"
_COUNTY = "set County = {adams, brown}\n"
_XC = _COUNTY + "decide x[County] in 0 .. 9\n"
_TIME = "time t = 0 .. 5\n"
_S = _TIME + "compartment S\ninitial S = 9\n"
_SI = _S + "compartment I\ninitial I = 1\nparam beta = 0.1\n"
_IDEAL = _XC + "param ideal[County] = 1\n"
_TABLE = 'table county from "counties.csv" key fips\nset County = county.fips\n'
_WEEKS = "time t : week = 0 .. 4\n"
_RATES = "param rate : 1/week = 0.1\nparam relapse : 1/week = 0.05\n"
_AR = _WEEKS + "compartment A : person\ncompartment R : person\ninitial A = 100\ninitial R = 20\n"
_BEDS = "decide beds : person in 0 .. 2000\nminimize { cost : beds }\n"
_SITE = "set Site = {north, middle, south}\n"
_DOSES = "decide doses in 0 .. 40\nmaximize { given : doses }\n"
_CHANCE = (
    "set Scenario = 1 .. 4\nparam w[Scenario] = 0.25\nparam need[s in Scenario] = s\n"
    "param room[s in Scenario] = s\ndecide x in 0 .. 9\n"
)

_FIT = (
    "time t = 0 .. 2\ncompartment I\ninitial I = 9\nparam beta = 1\nflow infect : -> I = beta * I\n"
    + 'table cases from "ill.csv" key day\n'
)

_ZETA = "param zeta = 0.5\ndecide x in 0 .. 9\nlimit enough: x >= zeta\nminimize { cost : x }\n"

AROUND = {
    "E2001": "param grant = 5\ndecide spend in 0 .. 9\n",
    "E2003": _SI + "flow infect : S -> I = 0.1 * S\n",
    "E2007": _TIME,
    "E2008": _S,
    "E2010": "param a = 1\nparam b = 2\n",
    "E2014": _IDEAL,
    "E2040": "set District = {east, west}\n" + _TIME + "decide spend[District, period] in 0 .. 9\n",
    "E2041": _TIME + "decide pace[t] in 0 .. 9\n",
    "E2042": _WEEKS + "decide kits[period] : kit in 0 .. 9\n",
    "E3002": "",
    "E3010": _TABLE,
    "E3011": _TABLE,
    "E3013": "set Case = cases.key\nparam count[Case] = cases.count\n",
    "E3014": _TABLE + 'table people from "people.csv" key fips\n',
    "E3015": _TABLE,
    "E4001": _XC,
    "E4002": _XC,
    "E4003": _TIME + "decide x[t] in 0 .. 9\n",
    "E4004": _XC,
    "E4005": _XC,
    "E4006": _SI,
    "E4007": "",
    "E4009": _X,
    "E4010": _XC + "param weight[County] = 2\n",
    "E4011": _COUNTY + "param cases[County] = 3\nparam pop[County] = 0\n",
    "E4013": _X,
    "E4014": _X,
    "E4016": 'set Person = 1 .. 5000\ntable contact from "contact.csv" key a, b\n',
    "E4019": _X,
    "E4020": _X,
    "E4021": _S,
    "E4022": _SI,
    "E4023": _COUNTY + "set Age = {young, old}\nparam county_rate[County] = 0.1\n",
    "E4024": "decide x in 1 .. 2\n",
    "E4025": _XC,
    "E4026": _COUNTY + "set Link = County * County\ndecide x[Link] in 0 .. 9\n",
    "E4027": _COUNTY + "set Age = {young, old}\ndecide x[County, Age] in 0 .. 9\n",
    "E4029": "param a = 3\n",
    "E4030": _TIME
    + "set Region = {north, south}\ncompartment S[Region]\ncompartment I[Region]\n"
    + "initial S = 9\ninitial I = 1\n",
    "E4031": _TIME
    + "set Region = {north, south}\nset Age = {young, old}\ncompartment S[Region]\n"
    + "initial S = 9\nflow treat[r in Region] : S -> = 0.1 * S[r]\ndecide x[Region] in 0 .. 1\n",
    "E4032": _XC
    + "set Age = {young, old}\nparam share_by_age[Age] = 1\nparam share_by_county[County] = 1\n"
    + 'use l1 from "equity.alloc"\n',
    "E4033": _IDEAL + 'use l1 from "equity.alloc"\n',
    "E4035": _CHANCE,
    "E4036": "decide stock in 0 .. 99\n",
    "E4037": "decide stock integer in 0 .. 9\ndecide money in 0 .. 100\n",
    "E4038": "decide money in 0 .. 100\n",
    "E4104": "initial R = 9\n",
    "E4105": "time t : year = 2020 .. 2025\ncompartment A : person\ninitial A = 9\n"
    "param rate : 1/year = 0.1\nflow treat : A -> = rate * A\n",
    "E4107": "initial I = 9\n",
    "E4108": _COUNTY + "time t : week = 0 .. 5\ncompartment D : person\ninitial D = 9\n"
    "decide spend[County] : USD in 0 .. 9\n",
    "E4109": _COUNTY + "decide doses[County] : dose in 0 .. 9\n"
    "param people[County] : person = 1\nparam doses_per_person : dose/person = 1\n",
    "E4111": "time t : year = 2020 .. 2025 step 0.25\n"
    "decide a[period] in 0 .. 1\ndecide b[period] in 0 .. 1\n",
    "E5001": "decide y in 0 .. 9\n",
    "E5003": _SI + "flow infect : S -> I = beta * S * I\n",
    "E5004": _CHANCE,
    "E5020": _S,
    "E5021": _S,
    "E5022": _S,
    "E7200": _FIT,
    "E7201": _FIT,
    "E7202": _FIT,
    "E7216": _FIT,
    "E7217": _FIT,
    "E2018": _ZETA,
    "E2019": _ZETA,
    "E2020": _ZETA,
    "E3023": _ZETA,
    "E4045": _ZETA,
    "E4046": _ZETA,
    "W3001": _TABLE,
    "W3010": _XC,
    "W4010": _XC,
    "W4011": _XC,
    "W4012": _XC,
    "W4002": "compartment S\ninitial S = 9\nflow out : S -> = 2 * S\n",
    "W6001": "compartment S : person\ncompartment I : person\ninitial S = 990\ninitial I = 10\n"
    "param gamma : 1/week = 0.5\nflow recover : I -> = gamma * I\nlimit room[t]: I[t] <= beds\n"
    + _BEDS,
    "W6002": _WEEKS + _RATES + "limit room[t]: A[t] + B[t] <= beds\n" + _BEDS,
    "W6003": _AR
    + _RATES
    + "flow leave : A -> = rate * A\nlimit room[t]: A[t] + R[t] <= beds\n"
    + _BEDS,
    "W6004": _AR
    + _RATES
    + "flow lapse : R -> A = relapse * R\nlimit room[t]: A[t] <= beds\n"
    + _BEDS,
    "W6005": _AR + _RATES + "limit room[t]: A[t] <= beds\n" + _BEDS,
    "W6006": _AR + "param mu : 1/week = 0.1\nflow die : A -> R = mu * A\n"
    "decide kits[period] in 0 .. 1\nminimize { dead : R[end] cost : sum(kits) }\n",
    "W6007": _AR + "param beta : 1/week = 0.2\nflow infect : A -> R = beta * A\n"
    "decide lockdown in 0 .. 1\nminimize { ill : R[end] closed : lockdown }\n",
    "W6009": _DOSES,
    "W6010": _DOSES,
    "W6011": _DOSES,
    "W6012": "decide doses[1 .. 2] in 0 .. 40\nmaximize { given : sum(doses) }\n",
    "W6013": "decide batches integer in 0 .. 5\nmaximize { given : doses - batches }\n",
    "W6014": "maximize { given : doses - 20 * open }\n",
    "W6015": 'use l1 from "equity.alloc"\n' + _SITE + "decide share[Site] in 0 .. 1\n",
    "W6016": _SITE + "decide doses[Site] in 0 .. 100\nmaximize { given : sum(doses) }\n",
    "W6017": "decide doses in 0 .. 40\nmaximize { given : weighed(doses, 3) }\n",
    "W6018": "maximize { given : stock }\n",
    "W6019": "decide doses in 0 .. 40\nmaximize { given : reached * doses }\n",
}

#: The model around an example that is a table.
TABLE_MODEL = """table county from "counties.csv" key fips
set County = county.fips
param population[County] = county.population
"""

_COUNTIES = "fips,name,population,beds\n44001,Bristol,48912,\n44003,Kent,163760,12\n"
_COMMANDS = """param budget = 3
set County = {"44001", "44003"}
param cap[County] = 9
decide x[County] integer in 0 .. 9
limit afford: sum(x) <= budget
limit capped[c in County]: x[c] <= cap[c]
maximize { treated : sum(x) }
"""

FILES = {
    "counties.csv": _COUNTIES,
    "people.csv": "fips,population\n44001,48912\n",
    "cases.csv": "county,week,count\n44001,1,3\n44001,2,4\n",
    "ill.csv": "day,ill\n0,9\n1,20\n2,40\n",
    "contact.csv": "a,b\n1,2\n2,3\n",
    "data/inside.csv": "a\n1\n",
    "wards.alloc": "param beds = 3\nlet half = beds / 2\nlet most = 2 * beds\n",
    "clinic.alloc": "param cost = 1\nintervention clinic { decide visits in 0 .. cost }\n",
    "opioid.alloc": f"model opioid\n{_COMMANDS}",
    "models/opioid.alloc": f"model opioid\n{_COMMANDS}",
    "roads.alloc": 'set From = {"a", "a, b"}\nset To = {"c", "b, c"}\nparam need[From, To] = 1\n'
    "decide x in 0 .. 1\nmaximize { good : x * sum(need) }\n",
    "epidemic.alloc": "model epidemic\ndecide x in 0 .. 2\ndecide y in 0 .. 2\n"
    "limit enough: x * y >= 1\nminimize { cost : x + y }\n",
    "lockdown.alloc": "model lockdown\nparam w_cases = 1\ndecide x in 0 .. 4\n"
    "minimize {\n  closed : x\n  ill : w_cases * (4 - x)\n}\n",
    "worlds.csv": "zeta,share\n0.4,1\n0.6,3\n",
    "season.alloc": "model season\nparam zeta in 0 .. 9 = 0.5\nuncertain zeta ~ normal(0.5, 0.1)\n"
    "decide x in 0 .. 9\nlimit enough: x >= zeta\nminimize { cost : x }\n",
    "drift.alloc": "model drift\ntime t = 0 .. 3\ncompartment A\ninitial A = 5\n"
    "flow f : A -> = 0.2 * A\n",
    "doses.alloc": "model doses\nparam doses in 0 .. 9 = 3\n"
    "decide x in 0 .. 9\nlimit most: x <= doses\nmaximize { given : x }\n",
    "shares.alloc": "model shares\ntime t = 0 .. 3\ncompartment S\ncompartment I\n"
    "initial S = 0.99\ninitial I = 0.01\nflow infect : S -> I = 0.4 * S * I\n",
}

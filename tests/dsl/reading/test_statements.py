"""Each statement becomes the right node."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocc.dsl import DiagnosticError, Source, parse, parse_file, tree
from allocc.dsl.tree import Identifier, Interval, Name, Number, UnitName


def one(text: str) -> tree.Statement:
    (statement,) = parse(Source("model.alloc", text)).statements
    return statement


def number(written: str) -> Number:
    return Number(float(written), written)


def test_model() -> None:
    assert one('model a "A title"') == tree.ModelHeader(Identifier("a"), "A title")
    assert one("model a") == tree.ModelHeader(Identifier("a"), None)
    assert one(r'model a "say \"yes\""') == tree.ModelHeader(Identifier("a"), 'say "yes"')


def test_table_and_use() -> None:
    table = one('table m from "m.csv" key home, away')
    keys = (Identifier("home"), Identifier("away"))
    assert table == tree.Table(Identifier("m"), tree.Text("m.csv"), keys)
    table = one('table m from "m.csv" key "home town", away')
    keys = (Identifier("home town"), Identifier("away"))
    assert table == tree.Table(Identifier("m"), tree.Text("m.csv"), keys)
    assert one('table m from "m.csv"') == tree.Table(Identifier("m"), tree.Text("m.csv"), ())
    use = one('use l1, linf from "equity.alloc" (k = 3, step = b)')
    arguments = (
        tree.Argument(Identifier("k"), number("3")),
        tree.Argument(Identifier("step"), Name("b")),
    )
    names = (Identifier("l1"), Identifier("linf"))
    assert use == tree.Use(names, tree.Text("equity.alloc"), arguments)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("county.fips", tree.Field(Identifier("county"), Identifier("fips"))),
        ("county.key", tree.Field(Identifier("county"), Identifier("key"))),
        ("county.set", tree.Field(Identifier("county"), Identifier("set"))),
        ("{a, b}", tree.SetLiteral((Name("a"), Name("b")))),
        ('{"44001", 3}', tree.SetLiteral((tree.Text("44001"), number("3")))),
        ("1..K", tree.Range(number("1"), Name("K"))),
        ("A * B", tree.Binary("*", Name("A"), Name("B"))),
    ],
)
def test_set(text: str, value: tree.Expression) -> None:
    assert one(f"set S = {text}") == tree.SetDeclaration(Identifier("S"), None, value)


def test_set_filter() -> None:
    statement = one("set S = {(a, b) in Link if w[a, b] > 0}")
    assert isinstance(statement, tree.SetDeclaration)
    names = (Identifier("a"), Identifier("b"))
    weight = tree.Subscript(Name("w"), (Name("a"), Name("b")))
    condition = tree.Comparison((weight, number("0")), (">",))
    index = tree.Index((tree.Binder(names, Name("Link")),), condition)
    assert statement.value == tree.SetFilter(index)


def test_units() -> None:
    assert one("unit bed") == tree.UnitDeclaration(Identifier("bed"), None, None)
    dose = UnitName("dose")
    assert one("unit vial = 6 dose") == tree.UnitDeclaration(Identifier("vial"), number("6"), dose)
    per_year = tree.UnitProduct("/", UnitName("1"), UnitName("year"))
    assert one("unit rate = 1/year") == tree.UnitDeclaration(Identifier("rate"), None, per_year)
    statement = one("param x : USD / (person/year)^-2")
    assert isinstance(statement, tree.Parameter)
    inner = tree.UnitProduct("/", UnitName("person"), UnitName("year"))
    assert statement.unit == tree.UnitProduct("/", UnitName("USD"), tree.UnitPower(inner, -2))


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("in 0 .. 1", Interval(number("0"), number("1"))),
        ("in 0 ..", Interval(number("0"), None)),
        ("in .. 1", Interval(None, number("1"))),
        ("in 0..1", Interval(number("0"), number("1"))),
    ],
)
def test_param_ranges(text: str, interval: Interval) -> None:
    statement = one(f"param x {text} = 3")
    assert isinstance(statement, tree.Parameter)
    assert statement.interval == interval and statement.value == number("3")
    first, _ = parse(Source("", f"param x {text} param y")).statements
    assert isinstance(first, tree.Parameter) and first.interval == interval


def test_param_with_everything() -> None:
    statement = one('param x[c in County, t] "text" : person integer in 0 .. 1 = 5%')
    index = tree.Index(
        (tree.Binder((Identifier("c"),), Name("County")), tree.Binder((), Name("t")))
    )
    interval = Interval(number("0"), number("1"))
    assert statement == tree.Parameter(
        Identifier("x"), index, "text", UnitName("person"), "integer", interval, Number(0.05, "5%")
    )


@pytest.mark.parametrize(
    ("text", "unit", "kind"),
    [
        ("x[County] : integer in 0 .. 5", None, "integer"),
        ("x integer in 0 .. 5", None, "integer"),
        ("x : facility in 0 .. 5", UnitName("facility"), "continuous"),
        ("x : facility integer in 0 .. 5", UnitName("facility"), "integer"),
        ('x "text" binary', None, "binary"),
        ("x", None, "continuous"),
    ],
)
def test_decide(text: str, unit: tree.Unit | None, kind: str) -> None:
    statement = one(f"decide {text}")
    assert isinstance(statement, tree.Decide)
    assert (statement.unit, statement.kind) == (unit, kind)


def test_time() -> None:
    statement = one('time t "text" : year = 2017 .. 2019 step 0.25 method euler')
    head = (Identifier("t"), "text", UnitName("year"), number("2017"), number("2019"))
    assert statement == tree.Time(*head, number("0.25"), Identifier("euler"))
    assert one("time t = 0 .. K") == tree.Time(
        Identifier("t"), None, None, number("0"), Name("K"), None, None
    )


@pytest.mark.parametrize(
    ("text", "origin", "target"),
    [
        ("S -> E", Name("S"), Name("E")),
        ("-> E", None, Name("E")),
        ("S ->", Name("S"), None),
        (
            "S[r] -> E[r]",
            tree.Subscript(Name("S"), (Name("r"),)),
            tree.Subscript(Name("E"), (Name("r"),)),
        ),
    ],
)
def test_flow(text: str, origin: object, target: object) -> None:
    statement = one(f'flow f[r in Region] "text" : {text} = 3')
    assert isinstance(statement, tree.Flow)
    assert (statement.origin, statement.target) == (origin, target)


def test_effects_and_limits() -> None:
    effect = one("effect mu[c in County] *= 2")
    assert isinstance(effect, tree.Effect) and effect.operator == "*="
    limit = one('limit a[t] "text": 0 <= x <= 1')
    assert isinstance(limit, tree.Limit)
    assert limit.relation == tree.Comparison((number("0"), Name("x"), number("1")), ("<=", "<="))
    prefer = one("prefer a: x <= 1 penalty w")
    assert isinstance(prefer, tree.Prefer) and prefer.penalty == Name("w")
    strict = one("limit a: x < 1")
    assert isinstance(strict, tree.Limit)


def test_chance() -> None:
    statement = one("chance a: probability p over s in S if s > 1 weight w[s] { limit b: x <= 1 }")
    assert isinstance(statement, tree.Chance)
    assert statement.scenario.binders == (tree.Binder((Identifier("s"),), Name("S")),)
    assert statement.scenario.condition is not None
    assert len(statement.limits) == 1


def test_what_is_uncertain() -> None:
    statement = one("uncertain x[r in R] ~ normal(m[r], 2)")
    assert isinstance(statement, tree.Uncertain) and statement.index is not None
    inner = (tree.Subscript(Name("m"), (Name("r"),)), number("2"))
    assert statement.distribution == tree.Call(Identifier("normal"), inner)
    bare = one("uncertain x ~ beta(1, 2)")
    assert isinstance(bare, tree.Uncertain) and bare.index is None


def test_scenario() -> None:
    name = Identifier("World")
    file, share = tree.Text("a.csv"), Identifier("share")
    tail = tree.Measure(Identifier("cvar"), Number(0.9, "90%"))
    assert one('scenario World "text" from "a.csv" weight share by cvar 90%') == tree.Scenario(
        name, "text", file, share, None, tail
    )
    assert one('scenario World from "a.csv" weight "share"') == tree.Scenario(
        name, None, file, share, None, None
    )
    mean = tree.Measure(Identifier("mean"), None)
    assert one("scenario World draws 60 by mean") == tree.Scenario(
        name, None, None, None, number("60"), mean
    )


@pytest.mark.parametrize(
    ("text", "high", "after"),
    [
        ("in 0 .. after", Name("after"), None),
        ("in 0 .. after after World", Name("after"), "World"),
        ("in 0 .. 2 * after # then\n after # so\n World", None, "World"),
        ("in 0 .. after World", None, "World"),
        ("in after .. 9 after World", number("9"), "World"),
        (": after after World", None, "World"),
        ("integer after World", None, "World"),
        ("after World", None, "World"),
    ],
)
def test_after_is_a_name_elsewhere(text: str, high: tree.Expression | None, after: str) -> None:
    statement = one(f"decide x {text}")
    assert isinstance(statement, tree.Decide)
    assert (statement.after.name if statement.after else None) == after
    if high is not None:
        assert statement.interval is not None and statement.interval.high == high


def test_a_parameter_may_be_called_as_a_word_of_scenarios() -> None:
    text = (
        "param after = 1 param by = after param draws = by limit a: x <= after decide y in 0 .. by"
    )
    assert len(parse(Source("model.alloc", text)).statements) == 5
    statement = one("minimize { after : after by : by draws : draws * after }")
    assert isinstance(statement, tree.Objective) and len(statement.terms) == 3


def test_report() -> None:
    statement = one('report a[s in S] "text" : dose = x[s]')
    index = tree.Index((tree.Binder((Identifier("s"),), Name("S")),))
    value = tree.Subscript(Name("x"), (Name("s"),))
    assert statement == tree.Report(Identifier("a"), index, "text", tree.UnitName("dose"), value)
    bare = one("report a = if x > 1 then 2 else 3")
    assert isinstance(bare, tree.Report) and bare.index is None and bare.unit is None


def test_function() -> None:
    statement = one('function f(x[S, T], weight) "text" = weight')
    formals = (
        tree.Formal(Identifier("x"), (Identifier("S"), Identifier("T"))),
        tree.Formal(Identifier("weight"), ()),
    )
    assert statement == tree.Function(Identifier("f"), formals, "text", Name("weight"))
    assert one("function f() = 1") == tree.Function(Identifier("f"), (), None, number("1"))


def test_objective_terms_may_be_named_as_soft_words() -> None:
    statement = one('minimize { a "text" : x penalty : y weight : -z step : 1 }')
    assert isinstance(statement, tree.Objective)
    assert [term.name.name for term in statement.terms] == ["a", "penalty", "weight", "step"]
    assert one("maximize { a : 1 }").span.text == "maximize { a : 1 }"


def test_words_that_only_begin_like_keywords_are_names() -> None:
    statement = one("param order = intake + notice * modeller - ifs + settled")
    assert isinstance(statement, tree.Parameter) and statement.name.name == "order"


def test_empty_files() -> None:
    assert parse(Source("model.alloc", "")).statements == ()
    assert parse(Source("model.alloc", " \t\r\n # only this")).statements == ()


def test_files_in_several_encodings(tmp_path: Path) -> None:
    path = tmp_path / "model.alloc"
    path.write_bytes(b'\xef\xbb\xbfparam x "caf\xc3\xa9" = 3')
    (statement,) = parse_file(path).statements
    assert isinstance(statement, tree.Parameter) and statement.description == "café"
    assert statement.span.column == 1
    path.write_bytes(b'param x = 3\nparam y "caf\xe9" = 3')
    with pytest.raises(DiagnosticError) as caught:
        parse_file(path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E1018" and diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.column) == (2, 13)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.alloc", tmp_path):
        with pytest.raises(DiagnosticError, match=r"E1018: cannot read"):
            parse_file(path)
    large = tmp_path / "large.alloc"
    large.write_bytes(b"# " * 5_000_001)
    with pytest.raises(DiagnosticError, match="E1019"):
        parse_file(large)


@pytest.mark.parametrize(
    "value",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "(" * 5000,
        "-" * 5000 + "1",
        "1" + "^1" * 5000,
        "1" + "+1" * 500,
    ],
)
def test_deep_nesting_is_refused(value: str) -> None:
    with pytest.raises(DiagnosticError, match="E1020"):
        parse(Source("model.alloc", f"param x = {value}"))


def test_a_column_in_quotes() -> None:
    assert one('param x = county."% of 65+"').value == tree.Field(
        Identifier("county"), Identifier("% of 65+")
    )

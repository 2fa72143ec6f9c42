"""Every bad model gets exactly the message that is written down for it, word for word.

`ALLOCC_PROMOTE=1` writes the messages down anew; read the difference before it is committed. A
line `#! --set cap=3`, `#! --data DIR` or `#! --pedantic` at the top of a model stands for the
command line.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from allocc.compiler.binding.bind import bind
from allocc.compiler.fitting.bind_fit import bind_fit
from allocc.compiler.lint.all_checks import lint
from allocc.compiler.pipeline import chain
from allocc.compiler.programs.bounds import Infeasible
from allocc.compiler.relaxing.relaxation import Relaxation
from allocc.compiler.unrolling.discretize import discretize
from allocc.compiler.worlds.together import together
from allocc.dsl import tree
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.messages import render
from allocc.dsl.reading.parser import parse_file
from allocc.engine.stages import Stages
from allocc.questions.over.scenario import scenario_draws
from allocc.questions.over.worlds import Worlds

BAD = Path(__file__).parents[1] / "bad"
MODELS = sorted(p.relative_to(BAD).as_posix() for p in BAD.rglob("*.alloc"))
PROMOTE = os.environ.get("ALLOCC_PROMOTE") == "1"


def theme(model: str) -> Path:
    return BAD / model.split("/")[0]


def options(model: str) -> tuple[Path, dict[str, Any]]:
    """The data folder and the settings that the model's first lines ask for."""
    data, settings = Path(model).parent, {}
    for line in Path(model).read_text("utf-8").splitlines():
        if line.startswith("#! --data "):
            data = Path(line.removeprefix("#! --data "))
        elif line.startswith("#! --set "):
            name, _, value = line.removeprefix("#! --set ").partition("=")
            settings[name] = value
    return data, settings


def diagnostics(model: str) -> list[Diagnostic]:
    """What is wrong with a model, from reading to bounds; paths are relative to `tests/bad`."""
    data, settings = options(model)
    path = Path(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            bound = bind(parse_file(path), data, settings, path=path)
            for fit in bound.declared.every(tree.Fit).values() if "fits" in path.parts else ():
                bind_fit(bound, fit, data)
            if bound.scenario is not None:
                model = Stages(bound, data, settings)
                worlds = Worlds(model, scenario_draws(model))
                together(worlds.problems, worlds.set(), bound.after)
            problem = discretize(bound)
            lowered = chain(problem, "stated")
            more = lint(problem, lowered) if pedantic(model) else []
            with contextlib.suppress(Infeasible):
                Relaxation(lowered.program)
    except DiagnosticError as error:
        return list(error.diagnostics)
    return [*problem.diagnostics, *more]


def pedantic(model: str) -> bool:
    return "#! --pedantic" in Path(model).read_text("utf-8").splitlines()


def expectations(folder: Path) -> dict[str, str]:
    """The messages of a theme's models, from its `expected.txt`."""
    file = folder / "expected.txt"
    if not file.exists():
        return {}
    found = {}
    for section in file.read_text("utf-8").split("=== ")[1:]:
        head, _, body = section.partition(" ===\n")
        found[head] = body.strip("\n")
    return found


@pytest.mark.parametrize("model", MODELS)
def test_message(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    found = diagnostics(model)
    text = render(found)
    if PROMOTE:
        folder = theme(model)
        known = {k: v for k, v in expectations(folder).items() if (BAD / k).exists()}
        known[model] = text
        body = "\n\n".join(f"=== {name} ===\n{known[name]}" for name in sorted(known))
        (folder / "expected.txt").write_text(body + "\n", "utf-8")
    assert text == expectations(theme(model)).get(model), f"{text}\n"
    assert len(found) == 1, "one mistake, one message"


def test_every_expectation_has_a_model() -> None:
    for folder in BAD.iterdir():
        if folder.is_dir():
            assert set(expectations(folder)) <= set(MODELS)


def test_the_corpus_is_large() -> None:
    assert len(MODELS) >= 70

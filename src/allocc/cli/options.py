"""Options and arguments that several commands share, with their completion."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from allocc import mistakes
from allocc.cli.amounts import Duration, Share
from allocc.cli.guard import EXIT_MISTAKE, show
from allocc.cli.terminal import say
from allocc.compiler.failures import listed
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.judging.options import METHODS

if TYPE_CHECKING:
    from allocc.api import Model

    _ParamType = click.ParamType[Any]
else:
    # Older versions of click have no generic parameter types.
    _ParamType = click.ParamType

F = TypeVar("F", bound=Callable[..., Any])

SOLVERS = {
    "highs": "the default",
    "scip": "takes products and functions as they are",
    "gurobi": "commercial",
    "pyomo": "Pyomo's HiGHS",
    "pyomo:cbc": "any solver that Pyomo finds",
}

#: How a time is written, for the help of options that take one.
TIMES = "Seconds, or as 90s, 5m, 1h."

#: A label in quotes may hold anything; a `'` within a label, as in d'Ivoire, is no quote.
_LABELS = r"""\[(?:"[^"]*"|(?<=[\[,\s])'[^']*'(?=\s*[,\]])|[^\]="])+\]"""
_SETTING = re.compile(rf"([A-Za-z_]\w*(?:{_LABELS})?)\s*=(.*)\Z", re.DOTALL)
_STRICT = "allocc.strict"
_FITTED = "allocc.fitted"
_PARAMETER = re.compile(r"^\s*param\s+([A-Za-z_]\w*)", re.MULTILINE)


class ModelPath(_ParamType):
    """A path whose completion offers folders and .alloc files."""

    name = "path"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Files that end in .alloc, and folders."""
        stem = Path(incomplete)
        folder = stem if incomplete.endswith("/") or not incomplete else stem.parent
        start = "" if folder == stem else stem.name
        found = []
        try:
            for entry in sorted(folder.iterdir()):
                if not entry.name.startswith(start) or entry.name.startswith(".") != (
                    start[:1] == "."
                ):
                    continue
                shown = str(entry)
                if entry.is_dir():
                    found.append(CompletionItem(f"{shown}/", type="plain"))
                elif entry.suffix == ".alloc":
                    found.append(CompletionItem(shown))
        except OSError:
            return []
        return found


class Setting(_ParamType):
    """NAME=VALUE; completion offers the parameters of the model on the line."""

    name = "name=value"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Parameter names of the model that was typed already."""
        # click gives up on a line that ends in `--set`: look at the words themselves, too.
        words = os.environ.get("COMP_WORDS", "").split()
        model = ctx.params.get("model") or next((w for w in words if w.endswith(".alloc")), None)
        try:
            text = Path(str(model)).read_text("utf-8") if model else ""
        except (OSError, UnicodeDecodeError):
            return []
        names = dict.fromkeys(_PARAMETER.findall(text))
        return [CompletionItem(f"{n}=") for n in names if n.startswith(incomplete)]


def _solver_names(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return [CompletionItem(n, help=h) for n, h in SOLVERS.items() if n.startswith(incomplete)]


def _method_names(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    return [CompletionItem(n) for n in METHODS if n.startswith(incomplete)]


def model_options(command: F) -> F:
    """MODEL, --data and --set."""
    return click.argument("model", type=ModelPath())(data_options(command))


def _keep_fitted(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    ctx.meta[_FITTED] = value


def data_options(command: F) -> F:
    """--data, --set and --fitted, which `load_model` asks the context for."""
    command = click.option(
        "settings",
        "--set",
        multiple=True,
        type=Setting(),
        metavar="NAME=VALUE",
        help="Give a parameter another value; 'cap[44001]=12' for one member. Repeatable.",
    )(command)
    command = click.option(
        "--fitted",
        type=click.Path(),
        metavar="FILE|DIR",
        expose_value=False,
        callback=_keep_fitted,
        help="Take the estimates of `allocc fit -o DIR` for their parameters; --set goes over them.",
    )(command)
    return click.option(
        "--data",
        type=click.Path(),
        metavar="DIR",
        help="Folder of the CSV files. By default the model's own, or data/ in it.",
    )(command)


def method_option(text: str) -> Callable[[F], F]:
    """--method."""
    return click.option(
        "--method",
        default="auto",
        show_default=True,
        shell_complete=_method_names,
        metavar="|".join(METHODS),
        help=text,
    )


def solver_option(command: F) -> F:
    """--solver."""
    return click.option(
        "--solver",
        default="highs",
        show_default=True,
        shell_complete=_solver_names,
        metavar="NAME",
        help="highs, scip, gurobi, pyomo or pyomo:NAME; see `allocc solvers`.",
    )(command)


def gap_option(command: F) -> F:
    """--gap."""
    return click.option(
        "--gap",
        type=Share(),
        default="0.01%",
        show_default=True,
        metavar="SHARE",
        help="Relative gap at which a proof is good enough; 1% or 0.01.",
    )(command)


def time_limit_option(text: str) -> Callable[[F], F]:
    """--time-limit."""
    return click.option("--time-limit", type=Duration(), metavar="TIME", help=f"{text} {TIMES}")


def run_option(text: str) -> Callable[[F], F]:
    """--run, a new folder to write."""
    return click.option("--run", type=click.Path(), metavar="DIR", help=text)


def output_option(text: str, metavar: str = "FILE") -> Callable[[F], F]:
    """--output."""
    return click.option("--output", "-o", type=click.Path(), metavar=metavar, help=text)


def csv_option(text: str) -> Callable[[F], F]:
    """--csv, as `csv_file`."""
    return click.option("csv_file", "--csv", type=click.Path(), metavar="FILE", help=text)


def json_option(command: F) -> F:
    """--json, as `as_json`."""
    return click.option(
        "as_json", "--json", is_flag=True, help="One JSON object on stdout, nothing else."
    )(command)


def quiet_option(command: F) -> F:
    """--quiet."""
    return click.option("--quiet", "-q", is_flag=True, help="No progress.")(command)


def strict_option(command: F) -> F:
    """--strict, for `load_and_warn`."""

    def keep(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta[_STRICT] = value

    return click.option(
        "--strict",
        is_flag=True,
        expose_value=False,
        callback=keep,
        help="Do nothing, with exit code 1, where there is any warning.",
    )(command)


def parse_settings(settings: tuple[str, ...]) -> dict[str, str]:
    """The --set options as a mapping; raises `DiagnosticError` with every malformed one."""
    found: dict[str, str] = {}
    wrong = []
    for text in settings:
        match = _SETTING.match(text.strip())
        if match is None or not match[2].strip():
            wrong.append(mistakes.bad_set(text))
        else:
            found[match[1]] = match[2].strip()
    if wrong:
        raise DiagnosticError(wrong)
    return found


def load_model(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    below: Mapping[str, Any] | None = None,
) -> Model:
    """The model that the shared options name; --set goes over --fitted, and both over `below`."""
    from allocc.loading import load
    from allocc.results.run_folder.made_with import overlaid

    fitted = click.get_current_context().meta.get(_FITTED)
    given = parse_settings(settings)
    kept = below or {}
    if fitted is not None:
        from allocc.results.fitting.files import read

        # What is fitted goes over a run's settings as what is set by hand does.
        of_fit = read(fitted).as_settings()
        kept = {k: v for k, v in kept.items() if k.split("[", 1)[0] not in of_fit}
    return load(model, data, fitted=fitted, **overlaid(kept, given))


def _settings_of(runs: tuple[str | None, ...]) -> dict[str, Any]:
    """The settings of the runs among decisions; those of the first go over the others'."""
    from allocc.results.run_folder.made_with import origin_of, overlaid

    found: dict[str, Any] = {}
    for origin in map(origin_of, runs):
        if origin is not None:
            found = overlaid(origin.settings, found)
    return found


def load_and_warn(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    *runs: str | None,
    quiet: bool = False,
) -> Model:
    """The same; the model's warnings are shown, and the settings where runs have some."""
    from allocc.cli.progress import working

    with working("reading the model and its data", quiet):
        of_runs = _settings_of(runs)
        loaded = load_model(model, data, settings, of_runs)
        found = loaded.warnings
    unused = [d.span.text for d in found if d.code == "W2001" and d.span is not None]
    rest = [d for d in found if d.code != "W2001"]
    if rest:
        show(rest)
    if unused:
        say(f"never used: {listed(unused)}; `allocc check` shows where")
    if rest or unused:
        say("")
    ctx = click.get_current_context()
    if found and ctx.meta.get(_STRICT):
        say("nothing was done, since --strict was given")
        ctx.exit(EXIT_MISTAKE)
    if of_runs:
        from allocc.results.run_folder.made_with import told

        say(f"with the settings {told(loaded.settings)}")
    return loaded


def load_to_solve(
    model: str,
    data: str | None,
    settings: tuple[str, ...],
    *runs: str | None,
    quiet: bool = False,
) -> Model:
    """The same, while a worker for the solver comes up."""
    from allocc.backends import isolation

    isolation.start()
    return load_and_warn(model, data, settings, *runs, quiet=quiet)

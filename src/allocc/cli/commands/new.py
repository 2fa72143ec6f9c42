"""`allocc new`: a working model with tiny data, to be changed into one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from allocc import mistakes
from allocc.cli.terminal import put
from allocc.dsl.diagnostics import DiagnosticError
from allocc.results.run_folder.place import write_folder

TEMPLATES = {
    "opioid": "facilities and budgets against an epidemic of addiction",
    "seir": "vaccination in a nonlinear epidemic of two regions",
    "allocation": "doses to clinics, fairly; no time, no epidemic",
}
_WHAT = "the new model"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(n, help=h) for n, h in TEMPLATES.items() if n.startswith(incomplete)]


@click.command()
@click.argument("name", required=False)
@click.option(
    "--template",
    default="opioid",
    show_default=True,
    shell_complete=_names,
    metavar="|".join(TEMPLATES),
    help="; ".join(f"{n}: {h}" for n, h in TEMPLATES.items()) + ".",
)
@click.option(
    "--into",
    type=click.Path(),
    metavar="DIR",
    help="The folder to make. By default NAME in the current folder.",
)
def new(name: str | None, template: str, into: str | None) -> None:
    """Start a model called NAME: a commented .alloc file with tiny data that solves at once."""
    if template not in TEMPLATES:
        raise DiagnosticError([mistakes.unknown_choice("--template", template, list(TEMPLATES))])
    name = name or template
    if not _NAME.match(name):
        raise DiagnosticError([mistakes.bad_name(name)])
    folder = Path(into) if into is not None else Path(name)
    written: list[Path] = []
    write_folder(folder, lambda part: written.extend(_write(name, template, part)), what=_WHAT)
    put("\n".join(["Made", *(f"  {folder / path}" for path in written), "", "Try"]))
    model = folder / f"{name}.alloc"
    put(f"  allocc check {model}\n  allocc solve {model}\n  allocc explain {model}")


def _write(name: str, template: str, folder: Path) -> list[Path]:
    written = []
    for source, relative in _files(files("allocc").joinpath("templates", template), Path()):
        text = source.read_text("utf-8")
        target = folder / relative
        if relative.suffix == ".alloc":
            text = re.sub(r"^model \w+", f"model {name}", text, count=1, flags=re.MULTILINE)
            target = folder / f"{name}.alloc"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        written.append(target.relative_to(folder))
    return sorted(written, key=lambda p: (p.suffix != ".alloc", str(p)))


def _files(folder: Traversable, place: Path) -> Iterator[tuple[Traversable, Path]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, place / entry.name)
        elif entry.name.endswith((".alloc", ".csv")):
            yield entry, place / entry.name

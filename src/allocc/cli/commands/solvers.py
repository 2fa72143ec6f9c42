"""`allocc solvers`: what is installed, what each one takes, how to get the others."""

from __future__ import annotations

from typing import Any

import click

from allocc.cli.options import json_option
from allocc.cli.terminal import put, write_json

_INSTALL = {
    "highs": "pip install allocc",
    "scip": "pip install 'allocc[scip]'",
    "gurobi": "pip install 'allocc[gurobi]'",
    "pyomo": "pip install 'allocc[pyomo]'",
}
_REMARKS = {
    "highs": "the default; free",
    "scip": "free; takes products and functions as they are (--method direct)",
    "gurobi": "commercial; large models need a licence of your own",
    "pyomo": "a bridge: pyomo:NAME reaches any solver that Pyomo finds on this machine",
}


@click.command()
@json_option
def solvers(as_json: bool) -> None:
    """List the solvers: which are installed, what they take, how to install the others."""
    found = [_about(name) for name in _INSTALL]
    if as_json:
        write_json({"solvers": found})
        return
    from allocc.backends.highs_versions import WANTED
    from allocc.tables import table

    rows = [
        [
            s["name"],
            _version(s),
            ", ".join(s["takes"]),
            s["remark"],
        ]
        for s in found
    ]
    lines = table(["solver", "version", "takes", "remark"], rows, indent=0)
    for s in found:
        if s["known_to_err"]:
            lines += ["", f"Warning: {s['name']} {s['version']}: {s['known_to_err']}"]
            lines += [f"  pip install '{WANTED}'"]
    missing = [s for s in found if not s["installed"]]
    if missing:
        lines += ["", "To install:"]
        lines += [f"  {s['name']:<8}{s['install']}" for s in missing]
    put("\n".join(lines))


def _version(solver: dict[str, Any]) -> str:
    """The solver's own version, and that of the package that reaches it."""
    if not solver["package"]:
        return "installed" if solver["installed"] else "not installed"
    return f"{solver['version']} ({solver['package']})" if solver["version"] else solver["package"]


def _about(name: str) -> dict[str, Any]:
    from allocc.backends import registry
    from allocc.backends.highs import HighsBackend

    backend = registry.get(name)
    c = backend.capabilities
    takes = ["linear", *["integers"] * c.integers, *["products"] * c.products]
    takes += ["functions"] if c.functions else []
    return {
        "name": name,
        "installed": backend.available(),
        "version": backend.solver_version() if backend.available() else "",
        "package": f"{backend.interface} {backend.version()}" if backend.version() else "",
        "takes": takes,
        "functions": sorted(c.functions),
        "warm_start": c.warm_start,
        "progress": c.progress,
        "interrupt": c.interrupt,
        "install": _INSTALL[name],
        "remark": _REMARKS[name],
        "known_to_err": backend.known_to_err() if isinstance(backend, HighsBackend) else "",
    }

"""What a point is known by: a hash of all that its answer depends on.

That is what the model and its tables hold (not where they lie), the settings, the estimates of a fit, the options
of the solve, and the version of allocc. Numbers are the same however they are written.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from allocc.compiler.data.typed_values import unquoted, written_number
from allocc.compiler.names.library import expand_uses
from allocc.compiler.names.structure import declare
from allocc.dsl.diagnostics import Collector
from allocc.dsl.reading.parser import parse_file
from allocc.engine.judging.options import make_options
from allocc.engine.judging.outcome import Options
from allocc.engine.stages import input_files, sha256
from allocc.questions.read_model import check_model, data_folder
from allocc.results.fitting.files import read
from allocc.results.fitting.found import FitResult
from allocc.results.run_folder.json_values import clean
from allocc.results.sweeping.points import Point
from allocc.version import __version__

#: Another one where the same point would have another answer.
FORM = "allocc sweep 1"
#: What a solve is called with and its answer does not depend on.
_CALLS = ("cancel", "on_progress")


class Keys:
    """Keys of points; the files of a model and a data folder are read once."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str | None], dict[str, str]] = {}

    def files(self, point: Point) -> dict[str, str]:
        """The hashes of the point's files, by name; a table that is not there is missing.

        Raises `DiagnosticError` for a model that cannot be read.
        """
        place = (point.path, point.data)
        if place not in self._files:
            path = Path(point.path)
            check_model(path)
            file = parse_file(path)
            folder = data_folder(path, file) if point.data is None else Path(point.data)
            # What is wrong is told where the model is bound.
            declared = declare(expand_uses(file, path, unheard := Collector())[0], unheard)
            found = input_files(declared, path, folder)
            self._files[place] = {name: sha256(p) for name, p in sorted(found.items())}
        return self._files[place]

    def key(self, point: Point) -> str:
        """The key of a point; raises as `files` does, and for options or a fit that are wrong."""
        fit = point.fitted
        if fit is not None and not isinstance(fit, FitResult):
            fit = read(fit)
        said = {
            "form": FORM,
            "allocc": __version__,
            "files": self.files(point),
            "settings": canonical(point.settings),
            "fitted": canonical(fit.as_settings() if fit is not None else {}),
            "options": plain(solve_options(point.options)),
        }
        text = json.dumps(said, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def solve_options(given: Mapping[str, Any], **more: Any) -> Options:
    """The checked options of a point; raises `AlloccError`."""
    return make_options(**{"threads": 1, **given, **more})


def plain(options: Options) -> dict[str, Any]:
    """Options as data, without what is called on the way."""
    return {f.name: getattr(options, f.name) for f in fields(options) if f.name not in _CALLS}


def canonical(value: Any) -> Any:
    """A setting as it is compared: a number is one, whether typed, from JSON or in an array.

    What is in quotes, or begins with zeros, may be a label and stays text.
    """
    value = clean(value)
    if isinstance(value, dict):
        return {k: canonical(v) for k, v in value.items()}
    if isinstance(value, list):
        return [canonical(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 2**1000 else str(value)
    if isinstance(value, str):
        text = value.strip()
        label = unquoted(text) != text or (len(text) > 1 and text[0] == "0" and text.isdigit())
        number = math.nan if label else written_number(text)
        return number if math.isfinite(number) else text
    return value

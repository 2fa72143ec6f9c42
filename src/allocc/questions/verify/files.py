"""The files: that the folder's two statements agree, and that model and tables are those of the run."""

from __future__ import annotations

from pathlib import Path

from allocc.compiler.failures import listed
from allocc.dsl.diagnostics import DiagnosticError
from allocc.engine.stages import sha256
from allocc.questions.verify.opening import Opened
from allocc.results.certificate import certificate
from allocc.results.exact_proof import INPUTS
from allocc.results.run_folder.json_values import clean
from allocc.results.run_folder.made_with import told as told_settings
from allocc.results.verification import Link
from allocc.version import __version__

#: What the certificate says in words: another version may say the same in others.
_WORDED = {"statement"}


def statements(opened: Opened) -> Link:
    """Whether certificate.json and both places of result.json state the same."""
    name = "certificate"
    told = {k: v for k, v in opened.certificate.items() if k not in _WORDED}
    inner = {k: v for k, v in opened.inner.items() if k not in _WORDED}
    anew = certificate(opened.run)
    if opened.run.versions.get("allocc") == __version__:
        # The same version says the same in the same words.
        told, inner = dict(opened.certificate), dict(opened.inner)
    other = {k for k in {*told, *inner} if told.get(k) != inner.get(k)}
    other |= {k for k in told if k in anew and clean(anew[k]) != told[k]}
    if other:
        fields = listed(sorted(other))
        return Link(
            name, "fails", f"certificate.json and result.json do not say the same: {fields}"
        )
    return Link(name, "holds", "certificate.json and result.json say the same")


def inputs(opened: Opened) -> Link:
    """Whether the model and its tables are those that the run was made with."""
    name, recorded = "files", opened.run.files
    if not recorded:
        return Link(name, "open", "the run does not say which files it was made with")
    changed, missing = [], []
    for file, digest in recorded.items():
        path = _place(opened, file)
        if path is None:
            missing.append(file)
        elif sha256(path) != digest:
            changed.append(file)
    where = _where(opened)
    if changed or missing:
        parts = [f"not what the run was made with: {listed(changed)}"] * bool(changed)
        parts += [f"not found: {listed(missing)}"] * bool(missing)
        return Link(name, "fails", f"{'; '.join(parts)} ({where})")
    more = sorted(_read(opened) - recorded.keys() - {opened.path.name})
    if more:
        return Link(name, "open", f"the run does not say what was in {listed(more)} ({where})")
    told = f"all {len(recorded)} files are" if len(recorded) > 1 else "the model is"
    settings = f", with {told_settings(opened.run.settings)}" if opened.run.settings else ""
    return Link(name, "holds", f"{told} what the run was made with{settings} ({where})")


def _read(opened: Opened) -> set[str]:
    """The files that the model is made of, by their names."""
    try:
        return set(opened.model.inputs())
    except DiagnosticError:
        return set()


def _where(opened: Opened) -> str:
    if opened.copied:
        return f"in the run's own {INPUTS} folder"
    inside = (opened.folder / INPUTS).is_dir()
    copies = f"not its own copies in {INPUTS}" if inside else "the run folder holds no copy of them"
    return f"{opened.path} and its tables; {copies}"


def _place(opened: Opened, file: str) -> Path | None:
    """Where a file lies that the run names: the model's own, one that it uses, or a table."""
    home = opened.path.parent
    if file == next(iter(opened.run.files)):
        return opened.path if opened.path.is_file() else None
    try:
        folders = [opened.model.data]
    except DiagnosticError:
        # The decisions tell why; the hashes may still be compared.
        folders = [opened.data] if opened.data is not None else [home, home / "data"]
    if file.endswith(".alloc"):
        folders = [home]
    return next((f / file for f in folders if (f / file).is_file()), None)

"""The public error: diagnostics as an exception that reads as the terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from allocc.dsl.diagnostics import DiagnosticError
from allocc.dsl.messages import render


class AlloccError(DiagnosticError):
    """Mistakes in a model, its data or what was asked; `str()` shows them as the terminal does."""

    def __str__(self) -> str:
        return "\n" + render(self.diagnostics)


@contextmanager
def reported() -> Iterator[None]:
    """Hand on diagnostics as the public `AlloccError`.

    Numbers that overflow become infinite without a warning of NumPy's: whoever uses them checks them,
    and says so in words of the model.
    """
    import numpy as np

    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            yield
    except AlloccError:
        raise
    except DiagnosticError as error:
        raise AlloccError(error.diagnostics) from None


class MissingLibrary(ImportError):
    """A Python package that allocc does not need in general, and that this needs, is not installed.

    `reason` says what needs it; `install` is the command that mends it.
    """

    def __init__(self, reason: str, install: str, name: str) -> None:
        super().__init__(f"{reason}; install it: {install}", name=name)
        self.reason = reason
        self.install = install

    def __reduce__(self) -> tuple[type[MissingLibrary], tuple[str, str, str]]:
        return type(self), (self.reason, self.install, self.name or "")


def require(module: str, what: str, extra: str) -> None:
    """Raise `MissingLibrary` where a module cannot be imported that `what`, in words, needs.

    `extra` is the extra of allocc that brings it.
    """
    package = module.partition(".")[0]
    try:
        import_module(module)
    except ImportError as problem:
        absent = isinstance(problem, ModuleNotFoundError) and problem.name == package
        how = "is not installed" if absent else f"cannot be imported: {problem}"
        reason = f"{what} needs the Python package {package}, which {how}"
        raise MissingLibrary(reason, f"pip install 'allocc[{extra}]'", package) from None

"""The public error: diagnostics as an exception that reads as the terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allocc.dsl.diagnostics import AlloccError as PlainError
from allocc.dsl.render import render


class AlloccError(PlainError):
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
    except PlainError as error:
        raise AlloccError(error.diagnostics) from None


class MissingLibrary(ImportError):
    """A library that allocc does not need in general, and that this needs, is not installed."""

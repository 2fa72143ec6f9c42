"""Everything that can go wrong becomes a clear message and an exit code; nobody sees a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from allocc import mistakes
from allocc.cli.terminal import answering, color_on, columns, say, silence_stdout, write_json
from allocc.dsl.diagnostics import Diagnostic, DiagnosticError
from allocc.dsl.escapes import message
from allocc.dsl.messages import GUTTER, WIDTH, render, to_json
from allocc.errors import MissingLibrary
from allocc.signals import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from allocc.results.over.found import OverDraws
    from allocc.results.run import Run

EXIT_MISTAKE = 1
EXIT_INFEASIBLE = 3
EXIT_UNBOUNDED = 4
EXIT_STOPPED = 5
EXIT_NOTHING = 6
EXIT_MISSING = 7
EXIT_INTERNAL = 70
EXIT_PIPE = 141


def exit_code(result: Run | OverDraws) -> int:
    """The exit code that a result stands for."""
    if result.status in ("optimal", "simulated"):
        return 0
    if result.stopped == "interrupted":
        return EXIT_INTERRUPTED
    return {
        "infeasible": EXIT_INFEASIBLE,
        "unbounded": EXIT_UNBOUNDED,
        "feasible": EXIT_STOPPED,
    }.get(result.status, EXIT_NOTHING)


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to stderr."""
    room = columns(sys.stderr)
    width = WIDTH if room is None else max(WIDTH // 2, min(WIDTH, room - GUTTER))
    say(render(diagnostics, color=color_on(sys.stderr), width=width))


class GuardedGroup(click.Group):
    """A group whose commands end in a message and an exit code, whatever happens."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        """Read the command line; this answers --help and --version, too."""
        try:
            with answering():
                return super().make_context(*arguments, **more)
        except DiagnosticError as error:
            show(error.diagnostics)
            raise click.exceptions.Exit(EXIT_MISTAKE) from None
        except click.UsageError as error:
            raise _shown(error) from None
        except BrokenPipeError:
            silence_stdout()
            raise click.exceptions.Exit(EXIT_PIPE) from None
        except KeyboardInterrupt:
            say("interrupted")
            raise click.exceptions.Exit(EXIT_INTERRUPTED) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        asked = [*getattr(ctx, "_protected_args", ()), *ctx.args]
        as_json = "--json" in asked
        try:
            # A command's --help is answered in here.
            with answering():
                return super().invoke(ctx)
        except DiagnosticError as error:
            self._mistakes(ctx, error.diagnostics, as_json)
        except click.UsageError as error:
            shown = _shown(error)
            self._json(as_json, [_plain(shown.message)])
            raise shown from None
        except click.ClickException:
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            say("interrupted")
            self._json(as_json, [_plain("interrupted")])
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            silence_stdout()
            ctx.exit(EXIT_PIPE)
        except MemoryError:
            self._mistakes(ctx, [mistakes.out_of_memory()], as_json)
        except OSError as problem:
            if problem.filename is None:
                self._internal(problem, as_json)
                ctx.exit(EXIT_INTERNAL)
            # What the system says of a file is no mistake of ours: a name too long, a folder closed.
            name, reason = os.fsdecode(problem.filename), problem.strerror or str(problem)
            self._mistakes(ctx, [mistakes.refused(name, reason)], as_json)
        except Exception as error:  # noqa: BLE001 - the last door: anything becomes one line
            missing = _missing(error)
            if missing is not None:
                show([missing])
                self._json(as_json, [to_json(missing)])
                ctx.exit(EXIT_MISSING)
            self._internal(error, as_json)
            ctx.exit(EXIT_INTERNAL)

    def _mistakes(self, ctx: click.Context, found: Sequence[Diagnostic], as_json: bool) -> NoReturn:
        show(found)
        self._json(as_json, [to_json(d) for d in found])
        ctx.exit(EXIT_MISTAKE)

    def _json(self, wanted: bool, diagnostics: list[dict[str, Any]]) -> None:
        if wanted:
            write_json({"status": "error", "diagnostics": diagnostics})

    def _internal(self, error: Exception, as_json: bool) -> None:
        if os.environ.get("ALLOCC_DEBUG") == "1":
            traceback.print_exc()
        text = " ".join(str(error).split())[:200]
        told = f"this is a mistake of allocc, not of yours: {type(error).__name__}: {text}"
        say(told)
        say("ALLOCC_DEBUG=1 shows where it happened; please report it with the model")
        self._json(as_json, [_plain(told)])


def _shown(error: click.UsageError) -> click.UsageError:
    """The same error in a length that can be read."""
    return click.UsageError(message(error.format_message()), error.ctx)


def _plain(text: str) -> dict[str, Any]:
    return {"code": None, "severity": "error", "message": text}


def _missing(error: Exception) -> Diagnostic | None:
    """What to say of a solver or an optional library that is not there; None of other errors."""
    # Imported only when something failed: the solvers' module needs NumPy.
    from allocc.backends.solution import MissingSolver

    if isinstance(error, (MissingLibrary, MissingSolver)):
        return mistakes.missing(error.reason, error.install)
    return None

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)


@pytest.fixture(autouse=True)
def mistakes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of allocc's own ends a test, not only the solve with what it had."""
    monkeypatch.setenv("ALLOCC_DEBUG", "1")

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def mistakes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of allocc's own ends a test, not only the solve with what it had."""
    monkeypatch.setenv("ALLOCC_DEBUG", "1")

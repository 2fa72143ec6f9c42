from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for room in (str(ROOT), str(ROOT / "benchmarks")):
    if room not in sys.path:
        sys.path.append(room)

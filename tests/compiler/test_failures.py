"""What messages about cells propose."""

from __future__ import annotations

import pytest

from allocc.compiler.failures import plain_numbers


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        ("1,200,000", ["1200000"]),
        ("1.200.000", ["1200000"]),
        ("183 000", ["183000"]),
        ("183\u00a0000", ["183000"]),
        ("1'200", ["1200"]),
        ("0,015", ["0.015"]),
        ("-3,5", ["-3.5"]),
        # Both can be meant.
        ("1,200", ["1200", "1.200"]),
        ("50%", ["0.5"]),
        ("12,5 %", ["0.125"]),
        ("$1,200.50", ["1200.50"]),
        ("3.000,25 \u20ac", ["3000.25"]),
        ("(1,250.5)", ["-1250.5"]),
        ("\u22125", ["-5"]),
        ("5 boxes", []),
        ("2024-03-01", []),
        ("1,2,3", []),
        ("\u0663", []),
        ("n/a", []),
    ],
)
def test_a_number_with_signs_in_it_is_written_plainly(cell: str, plain: list[str]) -> None:
    assert plain_numbers(cell) == plain

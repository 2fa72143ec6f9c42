"""Allocations side by side, as data: what differs, where limits bind, and which terms pay.

In: numbers that `allocc.questions.compare` found. Out: frozen data that can be written as JSON. It may import
`allocc.compiler.labels` and what stands before it.
"""

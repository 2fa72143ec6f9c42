"""What an answer depends on: parameters moved one at a time, and all together.

In: `Stages` and ranges of parameters. Out: `SensitivityResult`. It may import what `allocc.questions` may.
"""

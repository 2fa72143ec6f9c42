"""What an answer depends on, as frozen data and on disk.

In: many answers. Out: `SensitivityResult`, and the files of `allocc sensitivity -o DIR`. It may import what
`allocc.results` may.
"""

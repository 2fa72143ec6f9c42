"""Many solves as data: points, their answers, and the folder that they are kept in.

In: what `allocc.questions.sweep` found. Out: frozen data, and the files of `allocc sweep -o DIR`. It may import
what `allocc.results` may.
"""

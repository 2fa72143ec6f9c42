"""Commands that solve a model many times.

In: arguments of the command line. Out: text, JSON, files and an exit code. They may import everything below.
"""

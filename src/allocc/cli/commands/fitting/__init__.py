"""Commands that go from data to a model's parameters.

In: arguments of the command line. Out: text, JSON, files and an exit code. They may import everything below.
"""

"""Commands about runs that are there already.

In: arguments. Out: text, files, an exit code. They may import everything.
"""

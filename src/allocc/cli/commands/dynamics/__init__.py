"""Commands about what a model does by itself.

In: the command line. Out: what a person or a program reads. They may import everything but other commands.
"""

"""The commands of `allocc`, one file each: what is asked, what is called, what is printed.

In: arguments. Out: text, files, an exit code. They may import everything.
"""

"""Commands about draws: an allocation in many possible worlds.

In: what is typed. Out: text, files, an exit code. It may import everything but `allocc.__main__`.
"""

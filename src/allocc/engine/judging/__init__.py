"""What a solve is asked, and what it ends with: options, values by simulation, the distance to continuous time.

In: a problem and decisions. Out: `Assessment`, `Outcome`. It may import the compiler, and of the backends their names and answers.
"""

"""Many solves: of one model with other settings, other data or other rates, in several processes.

In: `Point`s. Out: `Answer`s, and a `Sweep` of them. It may import what `allocc.questions` may. `running.run_points`
is for other questions as well:

    for point, answer in run_points(points, store, workers=2):
        ...
"""

"""The compiler: from a tree and its data to a mixed-integer program that any solver takes.

Rooms, each of which may import only those before it: `names`, `units`, `algebra`, `data`, `scoping`,
`evaluating`, `binding`, `unrolling`, `programs`, `reformulations`, `lowering`, `relaxing`; `lint` reads
them all. `arrays` and `failures` are for every room. Nothing here imports a solver.
"""

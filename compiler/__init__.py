"""The compiler: from a tree and its data to a mixed-integer program that any solver takes.

In: a tree and its data. Out: `allocc.compiler.pipeline.Chain`, a program with the passes that led to it. It may
import `allocc.dsl`, and no solver. Its rooms, each of which may import those before it: `functions`, `names`,
`units`, `algebra`, `data`, `scoping`, `evaluating`, `binding`, `unrolling`, `programs`, `reformulations`,
`lowering`, `relaxing`, `pipeline`, `lint`; `arrays`, `labels`, `failures` and `origin` are for all of them.
"""

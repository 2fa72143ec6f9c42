"""What is declared under which name, read from the tree alone.

In: a tree. Out: the table of declarations, what each name means, the library's models, what is wrong with
names. It needs no data. It may import the language and the functions of one variable.
"""

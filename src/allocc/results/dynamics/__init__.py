"""What is found of a model's dynamics, as frozen data.

In: numbers and expressions. Out: records that are shown, and written as JSON. It may import the results' JSON.
"""

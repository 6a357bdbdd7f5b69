"""Meaning of annotated spans: the value of an amount, the address of a place, who a name or title stands for.

`numerals` reads written numbers, `units` knows measure words, `values` puts them together with their context;
`addresses` finds a place's administrative path, `people` groups the mentions of a person, `subjects` says which
place an amount is about, and `table` lays all of it out. Nothing here changes a span.
"""

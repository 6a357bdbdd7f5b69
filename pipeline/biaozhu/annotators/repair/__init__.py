"""Corrections of a network's names by rules that hold in any text.

`places` and `persons` take one text with its spans and give it with better ones; `edit` has what both use. Each rule
is a word of the guideline (annotations/guideline.md), a table, or grammar; none looks at a score.
"""

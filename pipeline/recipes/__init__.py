"""Recipes of the shipped models, the gazetteer and the corpora; not in the wheel.

Nothing under `biaozhu` imports from here; `commands` joins the command line where the checkout has it.
"""

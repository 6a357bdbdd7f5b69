"""Layers -> gold: `agreement` compares two annotators, `adjudication` joins them, `frozen` seals the result.

What two annotators agree on and what an adjudicator decided goes to annotations/gold/ and its manifest.
"""

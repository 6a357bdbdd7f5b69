"""Layers -> gold: `agreement` compares annotators, `adjudication` joins two of them, `frozen` seals the result.

What two annotators agree on and what an adjudicator decided goes to annotations/gold/ and its manifest. `status` says
what each annotator did and when, `bias` how far they followed the pre-annotation.
"""

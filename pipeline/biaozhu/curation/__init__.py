"""Layers -> gold: `agreement` compares annotators, `adjudication` joins two of them, `frozen` seals the result.

`status` says what each annotator did and when, `bias` how far they followed the pre-annotation, `select` what to annotate.
`lint`, `surfaces` and `probabilities` find likely errors, which `doubts` ranks; `loop_state` says where a loop stands.
"""

"""biaozhu (标注): Chinese NER annotation and evaluation, offline, offset-true.

Raw file -> sentences -> layers -> Doccano -> gold -> model -> report; docs/from-python.md has a chain that runs: `reading.article.read_articles`,
`annotators.preannotate.preannotate_articles`, `data.layers.write_layer`, `scoring.evaluation.evaluate_layer`, `training.train.train`.
"""

__version__ = "0.2.0"

"""biaozhu (标注): Chinese NER annotation and evaluation, offline, offset-true.

`model`, `errors`, `files`, `ledger` <- `knowledge`, `reading` <- `annotators` <- `doccano`, `judging`, `training`,
`scoring` <- `scale` <- `commands` <- `cli`: raw file -> sentences -> layers -> Doccano -> gold -> model -> report.
"""

__version__ = "0.2.0"

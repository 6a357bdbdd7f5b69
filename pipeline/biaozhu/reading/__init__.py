"""Raw file -> article (blocks and metadata) -> sentences, with offsets in code points into the raw file.

`article` reads a file: `decoding` turns its bytes into text, `page` extracts the text of HTML, `blocks` tells
furniture from text by the `cues` of news pages. `sentences` cuts the blocks, `width` maps full-width forms one
to one.
"""

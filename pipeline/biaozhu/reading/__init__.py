"""Raw file -> article (blocks and metadata) -> sentences, with offsets in code points into the article's text.

`article` reads a file: `encodings` and `hard_wraps`, or for HTML `page` with the folder `pages`;
`blocks` tells furniture from text by `pages.patterns`. `sentences` cuts; `simplified` maps one to one.
"""

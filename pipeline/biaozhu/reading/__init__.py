"""Raw file -> article (blocks and metadata) -> sentences, with offsets in code points into the article's text.

`article` reads a file: `encodings` and `hard_wraps`, or for HTML `page` with `page_lines`, `page_titles` and `page_body`;
`blocks` tells furniture from text by `page_patterns`. `sentences` cuts; `width` and `simplified` map one to one.
"""

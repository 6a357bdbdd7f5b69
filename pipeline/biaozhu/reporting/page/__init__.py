"""The report as a page: tables, charts, overlay, words and the templates that draw them."""

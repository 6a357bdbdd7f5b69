"""Commands on articles and layers: read, split, preannotate, table, export, import."""

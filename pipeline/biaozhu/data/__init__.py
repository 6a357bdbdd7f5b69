"""Articles, sentences and spans, the layers that hold them, and what every other folder needs to read and write.

Nothing here imports from another folder: `errors` <- `files` <- `model` <- the rest.
"""

"""A trained tagger for names of people, places and organisations: pure Python, no download, no network."""

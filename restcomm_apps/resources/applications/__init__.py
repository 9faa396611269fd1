"""Applications: forms, queries, lists, bulks and plans."""

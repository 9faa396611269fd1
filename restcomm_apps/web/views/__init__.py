"""The resources' URLs and verbs, one module each."""

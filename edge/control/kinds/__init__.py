"""The Kubernetes objects that Edge reads: their structs, decoding, defaults and validation.

What belongs here: what one object is and whether it is valid. What does not: what objects mean together (`translate`,
`compiling`), and where they come from (`sources`).
"""

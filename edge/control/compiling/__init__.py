"""Compiles all objects together into the records of the table; a change compiles only what depends on it.

What belongs here: which object depends on which, who wins a conflict, what is missing. What does not: the meaning of a
single object (`edge.control.translate`), publication, threads.

Each unit keeps what each owner asks for (`replace`) and what of it must be compiled again. `compile` does that, and
returns the records that may be different and the owners whose problems may be. `units` puts them together, `compiler`
translates objects for them, and `problems` reports the problems that they and the store find. An owner is an object
that asks for something: an Ingress, a Gateway, an HTTPRoute.
"""

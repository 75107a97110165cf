"""From all objects together to the records of the table, and again only what a change touches.

What belongs here: which object depends on which, who wins a conflict, what is missing. What does not: the meaning of an
object taken for itself (`edge.control.translate`), publication, threads.

Each unit keeps what each owner asks for (`replace`) and what of it must be compiled again. `compile` does that, and
returns the records that may be different and the owners whose problems may be. `units` puts them together, `compiler`
has objects translated for them, and `problems` reports what they and the store find wrong. An owner is an object that
asks for something: an Ingress, a Gateway, an HTTPRoute.
"""

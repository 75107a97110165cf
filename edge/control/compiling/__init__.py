"""From all objects together to the records of the table, and again only what a change touches.

What belongs here: which object depends on which, who wins a conflict, what is missing. What does not: the meaning of an
object taken for itself (`edge.control.translate`), publication, threads.

Each unit keeps what it has been told by whom (`replace`), and what of that is to be compiled again; `compile` does it
and gives the records that may be different, and the owners whose problems may be. `compiler` puts the units together.
An owner is an object that asks for something: an Ingress, a Gateway, an HTTPRoute.
"""

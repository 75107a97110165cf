"""Manifest files as a source of changes: no cluster is contacted.

What belongs here: finding the files, seeing them change, and what their text says. What does not: what an object must
look like (`edge.control.kinds.admission`) and what it means (`edge.control.translate`).

From file to change: `tree` finds the files, `watches` reports changes to them, `pending` knows which ones are being
written, `documents` splits the text of a file into documents, `decoding` reads one, `manifest` holds the content of a
whole file, and `ledger` that of all files together; `following` drives all this, and `source` is its thread. `keeping`
saves what must outlive the process, `reading` reads everything once.
"""

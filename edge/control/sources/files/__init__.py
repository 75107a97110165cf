"""Manifest files as a source of changes: no cluster is contacted.

What belongs here: finding the files, seeing them change, and what their text says. What does not: what an object must
look like (`edge.control.kinds.admission`) and what it means (`edge.control.translate`).

From file to change: `tree` finds the files, `watches` hears of changes to them, `pending` knows which ones are being
written, `documents` cuts a file's text into documents, `decoding` reads one, `manifest` holds what a whole file says,
and `ledger` what all files say together; `following` moves all this, and `source` is its thread. `keeping` is for what
must outlive the process, `reading` reads everything once.
"""

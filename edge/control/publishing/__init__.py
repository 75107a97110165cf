"""From a change to a published table: the compiler's thread, the writer, and the state that other threads read."""

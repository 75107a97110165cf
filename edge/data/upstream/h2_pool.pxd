# C types for what is called for every request; the module is plain Python.

cimport cython

from edge.data.upstream.h2 cimport H2Upstream
from edge.data.upstream.h2_connection cimport H2Connection
from edge.data.upstream.target cimport Target

@cython.locals(connection=H2Connection)
cpdef H2Upstream take(Target target, bint check=*)

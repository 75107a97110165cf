# C types for what is looked at for every request; the module is plain Python.

cimport cython

cdef bytes _KINDS
cdef bytes _last, _last_path, _last_normal
cdef unsigned char _QUERY, _SOLIDUS, _OTHER, _PLAIN, _SLASH, _DOT

cpdef bytes normalise_bytes(bytes path)

cpdef bytes normal_path(bytes target)

@cython.locals(byte=cython.uchar, at=cython.Py_ssize_t)
cpdef bytes path_of(bytes target)

@cython.locals(byte=cython.uchar, kind=cython.uchar, after_slash=cython.bint)
cpdef bint is_plain(bytes path)

# C types for what is done for every handshake; the module is plain Python.

cimport cython

cpdef parse(bytes data)

@cython.locals(at=Py_ssize_t, length=Py_ssize_t, size=Py_ssize_t, message=bytes)
cdef _message(bytes data)

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, kind=int, length=Py_ssize_t)
cdef _read(bytes hello)

cdef int _short(bytes data, Py_ssize_t at) except -1

cdef _once(value)

@cython.locals(size=Py_ssize_t, kind=int, length=Py_ssize_t)
cdef str _server_name(bytes data)

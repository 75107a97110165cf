# C types for what is done for every handshake; the module is plain Python.

cimport cython

cdef int _SERVER_NAME, _ALPN, _SUPPORTED_VERSIONS

cdef class Reader:
    cdef readonly Py_ssize_t need
    cdef bytearray _message
    cdef bytes _header
    cdef Py_ssize_t _left
    cdef bytes _version
    cdef bytes _rest

    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, n=Py_ssize_t)
    cpdef feed(self, bytes data)
    cdef _begin(self, bytes header)
    @cython.locals(have=Py_ssize_t, size=Py_ssize_t)
    cdef bint _is_complete(self) except -1
    cdef Py_ssize_t _size(self) except -1
    cpdef bytes records(self)

@cython.locals(reader=Reader)
cpdef parse(bytes data)

@cython.locals(size=Py_ssize_t)
cpdef at_once(bytes data)

cdef _checked(bytes hello)

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, kind=int, length=Py_ssize_t)
cdef _read(bytes hello)

cdef int _short(bytes data, Py_ssize_t at) except -1

cdef _once(value)

@cython.locals(size=Py_ssize_t, kind=int, length=Py_ssize_t, name=str)
cdef str _server_name(bytes data)

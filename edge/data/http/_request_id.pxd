cdef bytes fresh_request_id()

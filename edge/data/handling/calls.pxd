# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.http._message cimport Outgoing, is_idempotent
from edge.data.net._scheduler cimport Resumable
cimport cython
cimport edge.data.exchange.client as c_client
cimport edge.data.exchange._outcome as c_outcome
cimport edge.data.exchange.upstream as c_upstream
cimport edge.data.upstream.budget as c_budget
cimport edge.data.upstream.chooser as c_chooser
cimport edge.data.upstream.pool as c_pool
cimport edge.data.upstream.target as c_target
cimport edge.data.upstream.terms as c_terms

@cython.final
cdef class Calls:
    cdef readonly c_pool.Pool pool
    cdef readonly c_budget.RetryBudget budget
    cdef readonly object counters

@cython.final
cdef class Call:
    cdef c_pool.Pool _pool
    cdef c_budget.RetryBudget _budget
    cdef object _counters
    cdef c_client.Client _client
    cdef Outgoing _outgoing
    cdef c_outcome.Outcome _outcome
    cdef c_terms.Terms _terms
    cdef c_chooser.Chooser _chooser
    cdef object _content
    cdef c_target.Target _target
    cdef bint _reused
    cdef int _attempts
    cdef object _error
    cdef readonly c_target.Target asked
    cdef public c_upstream.Upstream upstream
    cdef public object pump

    cpdef ask(self, c_terms.Terms terms, c_chooser.Chooser chooser, c_target.Target target, content)
    cpdef start(self, c_terms.Terms terms, c_chooser.Chooser chooser, c_target.Target target, content)
    @cython.locals(upstream=c_upstream.Upstream)
    cpdef bint awaits(self, Resumable one) except -1
    @cython.locals(terms=c_terms.Terms, target=c_target.Target)
    cpdef answer(self)
    cpdef end(self)
    cdef _leave(self)
    cpdef release(self, bint bodiless)
    @cython.locals(upstream=c_upstream.Upstream)
    cpdef _engage(self, c_target.Target target)
    @cython.locals(upstream=c_upstream.Upstream)
    cpdef _attempt(self, c_terms.Terms terms, c_target.Target target)
    cdef bint _has_ended(self, c_terms.Terms terms)
    cdef bint _used_up(self, c_terms.Terms terms)
    cdef _give_up(self)
    @cython.locals(client=c_client.Client)
    cpdef _send(self, c_upstream.Upstream upstream, c_terms.Terms terms)
    @cython.locals(upstream=c_upstream.Upstream)
    cpdef _receive(self, Py_ssize_t largest)
    cpdef _end_upstream(self)
    cdef bint _repeatable(self, c_terms.Terms terms) except -1
    cdef bint _replayable(self) except -1

# C types for the attributes that are touched for every request; the module is plain Python.

cimport edge.data.observe._lines as c_lines
cimport edge.data.upstream.balancing as c_balancing
cimport edge.data.upstream.budget as c_budget
cimport edge.data.exchange.client as c_client
cimport edge.data.routing.plan as c_plan
cimport edge.data.routing.router as c_router
cimport edge.data.upstream.pool as c_upstream
cimport edge.table.reader as c_reader

cdef class Exchange:
    cdef readonly c_client.Client client
    cdef public bytes request_id
    cdef public int upstream_status
    cdef object _service
    cdef c_router.Router _router
    cdef c_upstream.Upstreams _upstreams
    cdef c_reader.Part _endpoints
    cdef c_budget.RetryBudget _budget
    cdef object _limits
    cdef object _access_log
    cdef c_lines.Lines _lines
    cdef c_balancing.Target _target
    cdef c_upstream.Upstream _upstream
    cdef list _earlier
    cdef bint _begun
    cdef double _started
    cdef double _upstream_started
    cdef double _upstream_time
    cdef long long _relayed
    cdef long long _replied
    cdef long long _tunnelled
    cdef object _pump

    cpdef run(self)
    cpdef _serve(self, c_plan.Plan plan)
    cpdef _attempts(self, c_plan.Plan plan, c_balancing.Target target, bytes payload)
    cpdef _ask(self, c_plan.Plan plan, c_balancing.Target target, bytes payload)
    cpdef _send(self, c_upstream.Upstream upstream, c_plan.Plan plan, bytes payload)
    cpdef bint _repeatable(self, c_plan.Plan plan)
    cpdef _receive(self, c_upstream.Upstream upstream)
    cpdef _relay(self, c_upstream.Upstream upstream, c_plan.Plan plan)
    cpdef _end_upstream(self)
    cpdef _account(self, c_plan.Plan plan, int status, double started, long long sent)
    cpdef _log(self, bytes name, int status, double duration, bytes line)

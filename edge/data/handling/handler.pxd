# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.http._message cimport Message
cimport cython
cimport edge.data.exchange.client as c_client
cimport edge.data.exchange.exchange as c_exchange
cimport edge.data.exchange.upstream as c_upstream
cimport edge.data.handling.calls as c_calls
from edge.data.handling.handling cimport Handling
cimport edge.data.observe._format as c_format
cimport edge.data.routing.plan as c_plan
cimport edge.data.routing.router as c_router
cimport edge.data.upstream.chooser as c_chooser
cimport edge.data.upstream.budget as c_budget
cimport edge.data.upstream.target as c_target

cdef class Handler:
    cdef Handling _handling
    cdef c_router.Router _router
    cdef c_budget.RetryBudget _budget
    cdef object _access_log
    cdef c_format.AccessLines _lines
    cdef readonly c_client.Client _client
    cdef readonly c_exchange.Exchange exchange
    cdef c_calls.Call _call
    cdef object _kept

    cpdef run(self)
    @cython.locals(chooser=c_chooser.Chooser, target=c_target.Target)
    cpdef _pass(self, c_plan.Plan plan, c_plan.Destination destination)
    cpdef _ask(self, c_plan.Plan plan, c_plan.Destination destination, c_chooser.Chooser chooser, c_target.Target target)
    cpdef _forward(self, c_plan.Plan plan, c_plan.Destination destination, c_chooser.Chooser chooser, c_target.Target target)
    cpdef _content(self, c_plan.Plan plan)
    cpdef _relay(self, c_upstream.Upstream upstream, c_plan.Plan plan, c_plan.Destination destination)
    @cython.locals(response=Message, status=cython.int)
    cpdef _pass_on(self, c_upstream.Upstream upstream, c_plan.Plan plan, c_plan.Destination destination)
    cpdef bytes _fields(self, c_plan.Plan plan, c_plan.Destination destination, Message response)
    cpdef _account(self, c_plan.Plan plan, c_plan.Destination destination)
    cpdef _log(self, c_format.LogName name)

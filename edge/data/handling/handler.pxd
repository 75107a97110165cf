# C types for the attributes that are touched for every request; the module is plain Python.

from edge.data.http._content cimport Content
from edge.data.http._fields cimport Names
from edge.data.http._message cimport Message
cimport cython
cimport edge.data.exchange.client as c_client
cimport edge.data.exchange._outcome as c_outcome
cimport edge.data.exchange.exchange as c_exchange
cimport edge.data.exchange.upstream as c_upstream
cimport edge.data.handling.calls as c_calls
from edge.data.handling.handling cimport Handling
from edge.data.policies.steps cimport AnswerStep, EditStep, GateStep
from edge.table._counters cimport Series
cimport edge.data.observe._format as c_format
cimport edge.data.routing.plan as c_plan
cimport edge.data.routing.router as c_router
cimport edge.data.upstream.balancer as c_balancer
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
    cdef c_plan.Plan _plan
    cdef c_plan.Destination _destination
    cdef object _labels
    cdef bint _parts
    cdef bint _waits

    cpdef bint run(self) except -1
    cpdef go_on(self)
    cpdef serve(self)
    cdef _begin(self, bint parts)
    @cython.locals(plan=c_plan.Plan, destination=c_plan.Destination)
    cdef bint _proceed(self, bint asked) except -1
    cdef _guarded(self, bint asked)
    @cython.locals(plan=c_plan.Plan, destination=c_plan.Destination)
    cdef _request(self)
    cdef _response(self)
    cdef _answered(self, c_plan.Plan plan, c_plan.Destination destination)
    @cython.locals(chooser=c_chooser.Chooser, target=c_target.Target)
    cpdef _pass(self, c_plan.Plan plan, c_plan.Destination destination)
    @cython.locals(exchange=c_exchange.Exchange, edit=EditStep)
    cpdef _ask(self, c_plan.Plan plan, c_plan.Destination destination, c_chooser.Chooser chooser, c_target.Target target)
    cpdef _forward(self, c_plan.Plan plan, c_plan.Destination destination, c_chooser.Chooser chooser, c_target.Target target)
    @cython.locals(exchange=c_exchange.Exchange, gate=GateStep)
    cdef _stopped(self, tuple gates)
    cpdef _content(self, c_plan.Plan plan)
    cpdef _relay(self, c_upstream.Upstream upstream, c_plan.Plan plan, c_plan.Destination destination)
    @cython.locals(response=Message, status=cython.int, bodiless=cython.bint, count=cython.Py_ssize_t, content=Content, outcome=c_outcome.Outcome)
    cpdef _pass_on(self, c_upstream.Upstream upstream, c_plan.Plan plan, c_plan.Destination destination)
    @cython.locals(exchange=c_exchange.Exchange, edit=AnswerStep, replaced=Names)
    cpdef bytes _fields(self, c_plan.Plan plan, c_plan.Destination destination, Message response)
    @cython.locals(outcome=c_outcome.Outcome, balancer=c_balancer.Balancer, series=Series)
    cpdef _account(self, c_plan.Plan plan, c_plan.Destination destination)
    cpdef _log(self, c_format.LogName name)

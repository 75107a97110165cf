# cython: language_level=3
"""Waits, which end by the event loop, by other greenlets or by deadlines.

Rules of this file:
- A greenlet that has to wait switches directly to the next one that is due, and to the hub only if none is: under load
  that halves the switches, which cost more than the work between them.
- A greenlet waits, or a `Resumable`, which keeps its state in attributes instead of on a stack, and is resumed in any
  free greenlet. No stack is copied for it, and while it runs it may wait as a greenlet does.
- Those that are due run in the order in which they became due.
- Waking a greenlet does not switch: the greenlet is due, and runs before the event loop waits again. After an event
  `invoke` runs those that are due: the loop calls gevent's own callbacks, which such greenlets may need, after events
  and not before.
- A greenlet begins at the end of the stack of the one that starts it. To keep chains of new greenlets from exhausting
  the stack, the hub starts the next one if the stack is deep.
- Spurious wake-ups are possible, so every caller checks again. A greenlet is woken only at the place where it waits: a
  place that it has left has no effect.
- Sockets are watched by libev itself (gevent's event loop), so an event costs no Python object, and the interpreter's
  lock is taken once for all events of a turn of the loop. If libev's functions are not available, gevent's watchers are
  used.
- libev calls pending watchers twice in a turn: before it waits, when gevent calls its callbacks, and afterwards. If
  there are no callbacks, the first call is skipped, because the lock costs more than a small event. (`gevent.idle`
  would never return, because a watcher is always pending. Nothing here calls it.) In the second call the watcher that
  runs gevent's callbacks is left out until there are some; signals are handled all the same.
"""

from gevent import get_hub
from gevent.exceptions import BlockingSwitchOutError
from greenlet import GreenletExit, greenlet

from edge.data.net.private import LIBEV

import sys

from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_Import

# greenlet's C API (greenlet.h), by number.
ctypedef PyObject *(*current_function)() except NULL
ctypedef PyObject *(*switch_function)(PyObject *greenlet, PyObject *args, PyObject *kwargs) except NULL

cdef extern from "Python.h":
    void Py_DECREF(PyObject *) noexcept

cdef extern from *:
    """
    #define stack_position() ((char *)__builtin_frame_address(0))
    """
    char *stack_position() nogil

cdef void **greenlets = <void **>PyCapsule_Import("greenlet._C_API", 0)
cdef current_function greenlet_current = <current_function>greenlets[4]
cdef switch_function greenlet_switch = <switch_function>greenlets[6]

# libev's functions, by address.
ctypedef void (*io_function)(ev_loop *loop, ev_io *watcher) noexcept
ctypedef void (*loop_function)(ev_loop *loop) noexcept nogil
ctypedef void (*hook_function)(ev_loop *loop, loop_function invoke) noexcept
ctypedef int (*clear_function)(ev_loop *loop, void *watcher) noexcept
ctypedef void (*feed_function)(ev_loop *loop, void *watcher, int events) noexcept
ctypedef unsigned int (*count_function)(ev_loop *loop) noexcept nogil

cdef clear_function ev_clear_pending = NULL
cdef feed_function ev_feed_event = NULL
cdef io_function ev_io_start = NULL
cdef io_function ev_io_stop = NULL
cdef loop_function ev_invoke_pending = NULL
cdef count_function ev_pending_count = NULL
cdef count_function ev_iteration = NULL
cdef hook_function ev_set_invoke_pending_cb = NULL

cdef enum:
    PREPARE = 0x4000  # EV_PREPARE: before the wait
    FD_SET = 0x80  # libev's EV__IOFDSET: the descriptor is new to the watcher
    MOST_SPARE = 16  # greenlets without work that are kept
    DEEP = 1 << 15   # bytes of the stack; they also limit the recursion depth of Python

cdef Py_ssize_t native_offset = 0
cdef dict schedulers = {}
cdef Scheduler latest = None
cdef ev_loop *settled = NULL  # a loop that has nothing to do before it waits,
cdef unsigned int turn = 0    # in this turn


def use_libev(dict addresses not None):
    """Call libev's functions at these ADDRESSES by name from now on; empty: gevent's watchers are used."""
    global ev_io_start, ev_io_stop, ev_invoke_pending, ev_set_invoke_pending_cb
    global ev_clear_pending, ev_feed_event, ev_iteration, ev_pending_count
    ev_clear_pending = <clear_function><size_t>addresses.get("ev_clear_pending", 0)
    ev_feed_event = <feed_function><size_t>addresses.get("ev_feed_event", 0)
    ev_io_start = <io_function><size_t>addresses.get("ev_io_start", 0)
    ev_io_stop = <io_function><size_t>addresses.get("ev_io_stop", 0)
    ev_invoke_pending = <loop_function><size_t>addresses.get("ev_invoke_pending", 0)
    ev_iteration = <count_function><size_t>addresses.get("ev_iteration", 0)
    ev_pending_count = <count_function><size_t>addresses.get("ev_pending_count", 0)
    ev_set_invoke_pending_cb = <hook_function><size_t>addresses.get("ev_set_invoke_pending_cb", 0)


use_libev(LIBEV.functions())


cdef object running_greenlet():
    cdef PyObject *current = greenlet_current()
    greenlet = <object>current
    Py_DECREF(current)
    return greenlet


cdef Scheduler scheduler_of_hub():
    """The scheduler of this thread's hub."""
    global latest
    hub = get_hub()
    if latest is not None and latest.hub is hub:
        return latest
    found = schedulers.get(hub)
    if found is None:
        for old in list(schedulers):
            if old.loop is None or old.dead:
                del schedulers[old]
        found = schedulers[hub] = Scheduler(hub)
    latest = found
    return found


cdef void invoke(ev_loop *loop) noexcept nogil:
    """In place of libev's own: call pending watchers, with the interpreter's lock taken once, and run what is due.

    Before the wait only gevent's watcher is pending. If it has no callbacks, it is left pending until after the wait.
    """
    if settled == loop and turn == ev_iteration(loop) and ev_pending_count(loop) == 1:
        return
    with gil:
        run_due(loop, call_pending(loop))


cdef bint call_pending(ev_loop *loop) noexcept:
    """Call pending watchers; the one that runs callbacks only if there are some. Returns whether it is known that there
    are none now.
    """
    cdef Scheduler scheduler = latest
    if scheduler is None or scheduler.native != loop or scheduler.runner == NULL:
        ev_invoke_pending(loop)
        return False
    ev_clear_pending(loop, scheduler.runner)
    ev_invoke_pending(loop)
    try:
        PyErr_CheckSignals()  # what it calls may add callbacks
    except BaseException:  # as gevent handles what a signal's handler raises
        scheduler.loop.handle_error(None, *sys.exc_info())
    if scheduler.callbacks:
        ev_feed_event(loop, scheduler.runner, PREPARE)
        ev_invoke_pending(loop)
        return False
    return True


cdef void run_due(ev_loop *loop, bint quiet) noexcept:
    """Run what is due; QUIET: there are no callbacks."""
    global settled, turn
    cdef Scheduler scheduler = latest
    settled = NULL
    if scheduler is None or scheduler.native != loop:
        for one in schedulers.values():
            scheduler = <Scheduler>one
            if scheduler.native == loop:
                break
        else:
            return
    if scheduler.first is not None or scheduler.due is not None or scheduler.ready is not None:
        scheduler.run()
        quiet = False
    if quiet or not scheduler.callbacks:
        settled = loop
        turn = ev_iteration(loop)  # libev counts before it waits


cdef class Resumable:
    """Waits without a greenlet (`Place.hold`)."""

    cpdef resume(self):
        """Continue after the wait, in a greenlet that is reused afterwards."""
        raise NotImplementedError


cdef class Scheduler:
    """The waits of one hub that are due: `due`, those `behind` it, and so on to the `last`.

    `ready`, to the `last_ready`: those that have been made due by events since, and follow.
    """

    def __init__(self, hub):
        self.hub = hub
        self.loop = hub.loop
        self.spare = []
        self.callbacks = LIBEV.callbacks(self.loop)
        if ev_set_invoke_pending_cb != NULL and LIBEV.drives(self.loop):
            self.native = <ev_loop *><size_t>self.loop.ptr
            self.runner = <void *><size_t>LIBEV.runner(self.loop)
            ev_set_invoke_pending_cb(self.native, invoke)

    cdef void put(self, Place place, bint event) noexcept:
        """Make the waiter at PLACE due; EVENT: because of an event, after which the loop calls `invoke`."""
        if not (event or self.called):
            self.called = True
            self.loop.run_callback(self._run)
        if event:  # libev calls the last event first
            if self.ready is None:
                self.last_ready = place
            place.behind = self.ready
            self.ready = place
            return
        if self.ready is not None:
            self.settle()
        if self.last is None:
            self.due = place
        else:
            self.last.behind = place
        self.last = place

    cdef void settle(self) noexcept:
        """Append those that are `ready` to those that are `due`."""
        if self.last is None:
            self.due = self.ready
        else:
            self.last.behind = self.ready
        self.last = self.last_ready
        self.ready = self.last_ready = None

    cdef object pop(self):
        """The next one that is due, a greenlet or a Resumable, which leaves its place; None: there is none."""
        cdef Place place
        if self.ready is not None:
            self.settle()
        while self.due is not None:
            place = self.due
            self.due, place.behind = place.behind, None
            if self.due is None:
                self.last = None
            place.queued = False
            if place.waiting is not None:
                one, place.waiting = place.waiting, None
                return one
        return None

    cdef object next_greenlet(self):
        """The greenlet to switch to for the next one that is due; None: nothing is."""
        if self.first is None:
            one = self.pop()
            if not isinstance(one, Resumable):
                return one
            self.first = <Resumable>one
        while self.spare:
            free = self.spare.pop()
            if not free.dead:
                return free
        if self.base - stack_position() > DEEP:
            return self.hub  # which is in `run`, or will be
        return greenlet(self._work, self.hub)

    cdef int leave(self, object greenlet) except -1:
        """Let others run until GREENLET, the current one, is switched to."""
        if greenlet is self.hub:
            raise BlockingSwitchOutError("the event loop cannot wait for itself")
        other = self.next_greenlet()
        if other is None:
            other = self.hub
        Py_DECREF(greenlet_switch(<PyObject *>other, NULL, NULL))
        return 0

    cdef void run(self) noexcept:
        """Run all that are due; called by the hub."""
        self.base = stack_position()
        while True:
            greenlet = self.next_greenlet()
            if greenlet is None:
                return
            try:
                Py_DECREF(greenlet_switch(<PyObject *>greenlet, NULL, NULL))
            except BaseException:  # as gevent handles what ends a greenlet
                self.loop.handle_error(greenlet, *sys.exc_info())

    def _work(self):
        """Resume one after another, in the body of a greenlet, which waits only if one of them does."""
        this = running_greenlet()
        while True:
            try:
                one = self._resume()
            except GreenletExit:
                raise
            except BaseException:  # as gevent handles what ends a greenlet
                self.loop.handle_error(self, *sys.exc_info())
                continue
            if one is None:
                if len(self.spare) >= MOST_SPARE:
                    return
                one = self.hub
            self.spare.append(this)
            Py_DECREF(greenlet_switch(<PyObject *>one, NULL, NULL))

    cdef object _resume(self):
        """Resume those that are due; the first that is a greenlet, or None: nothing is."""
        while True:
            if self.first is not None:
                one, self.first = self.first, None
            else:
                one = self.pop()
            if not isinstance(one, Resumable):
                return one
            (<Resumable>one).resume()

    def _run(self):
        self.called = False
        self.run()


cdef class Place:
    """A place where one greenlet or Resumable waits at a time. `waiting`: the one that waits, None: none. `woken`: the
    argument of the last `wake`, READY before. `queued`: it is among those that are due, once; `behind`: the next one of
    them.
    """

    def __cinit__(self):
        self.scheduler = scheduler_of_hub()

    cdef int pause(self) except -1:
        """Wait until woken, possibly spuriously."""
        this = running_greenlet()
        self.waiting = this
        self.woken = READY
        try:
            self.scheduler.leave(this)
        finally:
            self.waiting = None
        return 0

    cdef void hold(self, Resumable one) noexcept:
        """Resume ONE when it is woken here, possibly spuriously."""
        self.waiting = one
        self.woken = READY

    cdef void wake(self, int why) noexcept:
        """End the wait here, if there is one; WHY: READY or another of these numbers."""
        if self.waiting is not None and not self.queued:
            self.woken = why
            self.queued = True
            self.scheduler.put(self, False)


cdef void on_event(ev_loop *loop, ev_io *watcher, int events) noexcept:
    (<Watch><void *>(<char *>watcher - native_offset)).fire()


cdef class Watch(Place):
    """Where one waits for a descriptor to be readable, or writable.

    It stays armed while events arrive: an event without a waiter disarms it and calls `on_idle`. It must be kept alive
    until it is closed.
    """

    cdef int open(self, int fd, int events) except -1:
        """Watch FD for EVENTS, READ or WRITE, once armed."""
        if self.scheduler.native == NULL:
            self.foreign = self.scheduler.loop.io(fd, events)
        global native_offset
        native_offset = <char *>&self.native - <char *><void *>self  # the same for all
        self.native.callback = <void *>on_event
        self.native.fd = fd
        self.native.events = events | FD_SET
        return 0

    cdef int arm(self) except -1:
        """Watch from now on."""
        if self.armed:
            return 0
        self.armed = True
        if self.foreign is not None:
            self.foreign.start(self._fire)
        else:
            ev_io_start(self.scheduler.native, &self.native)
        return 0

    cdef int disarm(self) except -1:
        """Stop watching for now."""
        if not self.armed:
            return 0
        self.armed = False
        if self.foreign is not None:
            self.foreign.stop()
        elif self.scheduler.loop.ptr:  # else the loop has been destroyed
            ev_io_stop(self.scheduler.native, &self.native)
        return 0

    cdef int close(self) except -1:
        """Stop watching."""
        self.disarm()
        if self.foreign is not None:
            self.foreign.close()
        self.on_idle = None
        return 0

    cdef void fire(self) noexcept:
        """There is an event."""
        if self.waiting is not None:
            if not self.queued:
                self.queued = True
                self.scheduler.put(self, self.scheduler.native != NULL)
            return
        try:
            self.disarm()
            if self.on_idle is not None:
                self.on_idle()
        except BaseException:  # as gevent handles what a callback raises
            self.scheduler.loop.handle_error(self, *sys.exc_info())

    def _fire(self):
        self.fire()

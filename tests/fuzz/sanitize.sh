#!/bin/sh
# Builds the compiled leaves with sanitizers, beside the ones in use, and runs their tests on them.
set -eu
cd "$(dirname "$0")/../.."

python=${PYTHON:-.venv/bin/python}
built=$("$python" tests/fuzz/build.py sanitize)

# Leaks are not looked for: the interpreter itself never frees all it has.
export ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:log_path=build/sanitizer"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=build/sanitizer"
export PYTHONMALLOC=malloc
export PYTHONSAFEPATH=1
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
export LD_PRELOAD

rm -f build/sanitizer.*
PYTHONPATH=$built "$python" -c "import edge.data.http.h1._head as m; assert m.__file__.startswith('$built'), m.__file__"
"$python" -m pytest -p no:cacheprovider -o "pythonpath=$built ." -n auto --dist loadfile \
    tests/data/test_head.py tests/data/test_body.py tests/data/net/test_stream.py tests/data/test_oracles.py \
    tests/data/accepting/test_proxy_protocol.py tests/fuzz tests/table "$@" &&
# What is relayed has no tests below that of a whole data plane, which finds the modules by the environment.
PYTHONPATH=$built:. "$python" -m pytest -p no:cacheprovider -o "pythonpath=$built ." -n auto --dist loadfile \
    tests/data/streams || {
    status=$?
    cat build/sanitizer.* 2>/dev/null || true
    exit $status
}

#!/bin/sh
# Installs Debian packages: `packages.sh build` what building Edge needs, and only if it is missing; `packages.sh test`
# the programs that some tests and the benchmarks use. Tests whose program is missing are skipped with that reason.
# Without root or apt-get it installs nothing: `build` then fails and says what is missing, `test` goes on.
set -eu

PYTHON=${PYTHON:-python3}

has_build_tools() {
    "$PYTHON" -c 'import ensurepip, os, sysconfig, venv
os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null &&
        printf '#include <stdlib.h>\n' | cc -E - >/dev/null 2>&1
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null
    wanted=
    for package in "$@"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            wanted="$wanted $package"
        else
            echo "no Debian package $package here, going on without it"
        fi
    done
    echo "installing Debian packages:$wanted"
    # Some of them are services, which Debian starts on installation; we want the programs alone.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
    fi
    # shellcheck disable=SC2086 # one word each
    apt-get install -q -y --no-install-recommends $wanted >/dev/null
}

can_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

case ${1:-} in
build)
    if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "Edge needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2
        exit 1
    fi
    has_build_tools && exit 0
    if can_install; then install gcc libc6-dev python3-dev python3-venv; fi
    has_build_tools && exit 0
    echo "Building needs a C compiler, Python's headers and its venv module." >&2
    echo "On Debian and Ubuntu: apt-get install gcc libc6-dev python3-dev python3-venv" >&2
    exit 1
    ;;
test)
    missing=
    for pair in nginx:nginx-light haproxy:haproxy wrk:wrk h2load:nghttp2-client nghttpd:nghttp2-server curl:curl openssl:openssl php-cgi:php-cgi redis-server:redis-server dnsmasq:dnsmasq-base dig:bind9-dnsutils iperf3:iperf3 prometheus:prometheus chromium:chromium debootstrap:debootstrap ip:iproute2; do
        command -v "${pair%%:*}" >/dev/null || [ -x "/usr/sbin/${pair%%:*}" ] || missing="$missing ${pair#*:}"
    done
    # Not programs in $PATH: nginx's stream module, and PostgreSQL's server.
    ls /usr/lib/nginx/modules/ngx_stream_module.so >/dev/null 2>&1 || missing="$missing libnginx-mod-stream"
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
    [ -n "$missing" ] || exit 0
    if ! can_install; then
        echo "not installed, what needs them is left out:$missing"
        exit 0
    fi
    # shellcheck disable=SC2086 # one word each
    install $missing || echo "could not install all of them, what needs them is left out"
    ;;
*)
    echo "usage: packages.sh build|test" >&2
    exit 2
    ;;
esac

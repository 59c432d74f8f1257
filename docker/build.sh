#!/bin/sh
# Installs wampd into a virtual environment of its own: what the image is made of. It needs nothing but Python and the network.
#
#   docker/build.sh SOURCES PREFIX      the checkout, and the directory that becomes the environment
#
# Nothing is installed that is not in the locks, file by file by its hash, and nothing is compiled. What only building needs, pip
# included, is not in the environment.
set -eu

sources=$(cd "$1" && pwd)
prefix=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pip() { "$work/tools/bin/python" -m pip --disable-pip-version-check --no-cache-dir "$@"; }
install() { pip --python "$prefix/bin/python" install --quiet --no-compile "$@"; }

"${PYTHON:-python3}" -m venv "$work/tools"
pip install --quiet --require-hashes --only-binary :all: -r "$sources/docker/build.lock"
# The checkout may be read-only, and the build is not to leave anything in it.
mkdir "$work/sources"
for each in pyproject.toml README.md LICENSE CHANGELOG.md wampd; do cp -R "$sources/$each" "$work/sources/"; done
pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work/dist" "$work/sources"

"${PYTHON:-python3}" -m venv --without-pip "$prefix"
install --require-hashes --only-binary :all: -r "$sources/docker/requirements.lock"
install --no-deps --no-index "$work"/dist/wampd-*.whl
find "$prefix/lib" -type d -path '*/twisted/*' -name test -prune -exec rm -r {} +
"$prefix/bin/python" -m compileall -q "$prefix/lib"

#!/bin/sh
# The program says the machine it was built for, and it is the machine it runs on.
set -eu
machine=$(uname -m)
expected="hello, built for $machine, running on $machine"
actual=$("$1")
if [ "$actual" != "$expected" ]; then
  echo "expected: $expected"
  echo "actual:   $actual"
  exit 1
fi
echo "$actual"

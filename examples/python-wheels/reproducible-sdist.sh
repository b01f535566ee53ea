#!/bin/sh
# setuptools stamps an sdist with the time of the build: pack it anew with the commit's time.
set -eu
sdist=$1
work=$(mktemp -d)
tar -xzf "$sdist" -C "$work"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
  -C "$work" -cf - "$(basename "$sdist" .tar.gz)" | gzip -n9 > "$sdist"
rm -r "$work"

# usage: bash work.sh KIND
# Prints what a job of that kind prints, and keeps it in a file of the attempt's own too. The ledger hears of begin and end.
set -euo pipefail
mine="$OUT/written/$CI_JOB_ID-$(date +%s%N)"
note() { echo "$1 $CI_JOB_ID $CI_RUNNER_DESCRIPTION $(date +%s%3N) $mine" >> "$OUT/ledger"; }

body() {
  case "$1" in
    lines | deploy | check)
      for i in $(seq 1 15); do
        echo "line $i of $CI_JOB_NAME é"
        sleep "0.$((RANDOM % 9 + 1))"
      done
      ;;
    make)
      mkdir -p out && head -c "$((RANDOM * 60 + 1))" /dev/urandom > out/blob
      echo "HASH=$(sha256sum < out/blob | cut -d' ' -f1)" > made.env
      cat made.env
      ;;
    wheel) python3 make_wheel.py && ls dist ;;
    big) seq 1 400000 ;;
    long) head -c 1500000 /dev/zero | tr '\0' x ;;
    binary) head -c 300000 /dev/urandom ;;
    sections)
      for name in one two; do
        printf '\033[0Ksection_start:%s:%s\r\033[0KSection %s\n' "$(date +%s)" "$name" "$name"
        sleep 0.3
        printf '\033[0Ksection_end:%s:%s\r\033[0K\n' "$(date +%s)" "$name"
      done
      ;;
    allowed | flaky) echo "this may fail" ;;
    sleeper) for i in $(seq 1 3000); do echo "tick $i"; sleep 0.1; done ;;
  esac
}

note begin
echo "begin $mine"
body "$1" 2>&1 | tee "$mine"
if [ "$1" = check ]; then echo "$HASH  out/blob" | sha256sum --check --quiet; fi
echo
echo "end $mine"
before=$(grep -c "^end $CI_JOB_ID " "$OUT/ledger" || true)
note end
case "$1" in
  allowed) exit 3 ;;
  flaky) [ "$before" -gt 0 ] ;;
esac

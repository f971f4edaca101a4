# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# How lab-test and what runs under other kernels count results. For bash scripts in a sandbox, which set
# `build` to the build directory.

log=/run/lab/log
export TMPDIR=/run/lab

# run COMMAND...: shows its output and keeps it for the count. Its closing line is
# "WHAT: N passed, N failed[, N skipped]"; one that fails without such a line is a failure too.
run() {
	"$@" 2>&1 | tee "$log.part" || true
	cat "$log.part" >>"$log"
	tail -n 1 "$log.part" | grep -qE '^[a-z0-9_]+: [0-9]+ passed, [0-9]+ failed' ||
		echo "died: 0 passed, 1 failed" | tee -a "$log"
}

# beside COMMAND...: runs it while the script goes on with other things. One at a time.
beside() {
	log=$log.beside "$@" >"$log.output" 2>&1 &
	beside=$!
}

# The end of what runs beside, and its output and results.
together() {
	wait "$beside" || echo "died: 0 passed, 1 failed" >>"$log.beside"
	cat "$log.output"
	cat "$log.beside" >>"$log"
}

# tests_of DIRECTORY [PREFIX]: the programs built from the tests there.
tests_of() {
	for source in "tests/$1/${2:-test_}"*.c; do
		# shellcheck disable=SC2154 # the caller's
		echo "$build/tests/$1/$(basename "$source" .c)"
	done
}

# run_program_tests PROGRAM...: each in a sandbox of its own.
run_program_tests() {
	local test
	for test; do
		SUITE=$(basename "$test") run "$build/bgo-lab" sandbox tests/run-unit "$test"
	done
}

# total: the sum, which is the last line. A skip that ci/allowed-skips does not name is a failure.
total() {
	awk 'FILENAME != ARGV[1] && /^skip / {
			name = $2
			sub(/:$/, "", name)
			if (!(name in allowed)) {
				print "not in ci/allowed-skips: " name
				failed++
			}
		}
		FILENAME == ARGV[1] { allowed[$1]; next }
		/^[a-z0-9_]+: [0-9]+ passed, [0-9]+ failed/ {
			passed += $2
			failed += $4
			skipped += $6
		}
		END {
			line = passed + 0 " passed, " failed + 0 " failed"
			print skipped ? line ", " skipped " skipped" : line
			exit failed || !passed
		}' ci/allowed-skips "$log"
}

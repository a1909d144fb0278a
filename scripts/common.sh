# SPDX-License-Identifier: MIT
# Shared by the scripts: the repository as working folder, parts that are silent when they go well, and their minutes.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8 HOME="${HOME:-/tmp}" MTDB_SCALE="${MTDB_SCALE:-1}" CTEST_OUTPUT_ON_FAILURE=1
unset CDPATH

logs=build/logs
passed=0
failed=0
broken=()

minutes() { awk -v seconds="$1" 'BEGIN { printf "%.1f", seconds / 60 }'; }

# failed_tests LOG: of each test that failed, what it said, as far as it is short: its first and its last lines.
failed_tests() {
    awk -v edge=40 '
        function tell(  i) {
            for (i = 0; i < count; i++) if (i < edge || i >= count - edge) print lines[i]
                else if (i == edge) print "  [" count - 2 * edge " lines left out]"
            count = 0
        }
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ { tell(); inside = !/ Passed +[0-9.]+ sec/ }
        /^ +Start +[0-9]+: / || /^[0-9]+% tests passed/ { next }
        /^Label Time Summary|^Total Test time/ { tell(); inside = 0 }
        inside { lines[count++] = substr($0, 1, 400) }
        END { tell() }' "$1"
}

# part NAME COMMAND...: prints its minutes; when it fails, what it said. Counts tests by CTest's closing line.
part() {
    local name=$1 log=$logs/${1// /-}.log start=$SECONDS status=0 line failures total
    shift
    mkdir -p "$logs"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" | tail -n 1 || true)
    if [ -n "$line" ]; then
        failures=$(sed -E 's/.*passed, ([0-9]+) tests? failed.*/\1/' <<<"$line")
        total=${line##* out of }
        passed=$((passed + total - failures))
        failed=$((failed + failures))
        line="  $line"
    fi
    printf '%-24s %5s min%s\n' "$name" "$(minutes $((SECONDS - start)))" "$line"
    if [ "$status" -ne 0 ]; then
        broken+=("$name")
        if [ -n "$line" ]; then failed_tests "$log"; else tail -n 200 "$log"; fi
        echo "$name failed ($status); all of its output: $log"
    fi
    return "$status"
}

# closing_line: what all parts came to; fails when one of them did.
closing_line() {
    if [ ${#broken[@]} -gt 0 ]; then
        printf 'failed: %s\n' "${broken[@]}"
        [ "$failed" -gt 0 ] || failed=${#broken[@]}
    fi
    echo "$passed passed, $failed failed"
    [ ${#broken[@]} -eq 0 ] && [ "$passed" -gt 0 ]
}

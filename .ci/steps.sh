# The steps of .ci/test, sourced by it. Each is a function `step_NAME`; it runs in a process of its
# own, at the root of the repository, with $STEP_DIR to write into.
# shellcheck shell=bash

readonly DC=testkit/samba/dc
readonly SLAPD=testkit/slapd/server
# Tests against a server that is started for them alone; the others run without one.
readonly SERVER_TESTS=(samba real_ad real_slapd kill)
readonly SEED=1
# Everything, with one set of features: whatever is built for one step serves the next. A single package
# (`--package`) has features of its own for what it depends on, and nearly all would be built once more.
readonly WHOLE=(--locked --workspace --all-features)

run_step() {
  STEP_DIR=$2
  trap stop_controllers EXIT
  trap 'exit 143' TERM INT
  "step_${1//-/_}"
}

step_tools() {
  local program missing=()
  for program in age jq openssl python3 shellcheck sqlite3; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  # What signs approvals.
  command -v ssh-keygen >/dev/null || missing+=(openssh-client)
  if [[ ${#missing[@]} -gt 0 ]]; then
    if [[ $EUID -ne 0 ]]; then
      printf 'not on this machine, and only root can install: %s\n' "${missing[*]}"
      return "$NOT_RUN"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  fi
  # The Kerberos sign-in (feature gssapi) is built with the headers of libkrb5, read by clang.
  if ! [[ -e /usr/include/gssapi/gssapi.h ]] || ! compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null; then
    if [[ $EUID -ne 0 ]]; then
      echo "libkrb5-dev and libclang-dev are not on this machine, and only root can install them"
      return "$NOT_RUN"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libkrb5-dev libclang-dev clang
  fi
  if [[ $EUID -eq 0 ]]; then
    "$DC" install
    "$SLAPD" install
  fi
  cargo --version
  has_nextest && cargo nextest --version | head -1 || echo "cargo-nextest is not installed: cargo test is used"
}

step_scripts() {
  bash -n .ci/run && bash -n .ci/test && bash -n "$DC" && bash -n "$SLAPD"
  shellcheck -x -P .ci .ci/run .ci/test .ci/steps.sh "$DC" "$SLAPD"
}

step_fmt() {
  cargo fmt --all -- --check
}

step_clippy() {
  cargo clippy "${WHOLE[@]}" --all-targets -- -D warnings
}

# Every combination that is one of its own: a feature that brings another is not tried without it. Of more
# than 16 combinations each feature alone and all together.
step_features() {
  local combination
  while read -r combination; do
    printf -- '--- features: %s\n' "${combination:-none}"
    cargo clippy --locked --quiet --package identity-reset --lib --no-default-features --features "$combination" -- -D warnings
  done < <(cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import itertools, json, sys
packages = json.load(sys.stdin)["packages"]
brings = next(p for p in packages if p["name"] == "identity-reset")["features"]
features = sorted(set(brings) - {"default"})
def whole(chosen):
    return all(other in chosen for one in chosen for other in brings[one] if other in features)
every = [c for size in range(len(features) + 1) for c in itertools.combinations(features, size) if whole(c)]
alone = [()] + [(one, *(other for other in brings[one] if other in features)) for one in features] + [tuple(features)]
for chosen in every if len(every) <= 16 else alone:
    print(",".join(chosen))')
}

step_docs() {
  python3 .ci/check_links.py
  python3 .ci/check_promises.py
  RUSTDOCFLAGS="-D warnings" cargo doc "${WHOLE[@]}" --no-deps
}

# What deny.toml says, as far as it can be checked without cargo-deny.
step_dependencies() {
  local tree=$STEP_DIR/tree failed=0 name versions
  cargo tree --locked --workspace --all-features --edges normal --target all --prefix none --format '{p}' |
    cut -d' ' -f1,2 | sort -u >"$tree"
  [[ $(wc -l <"$tree") -gt 50 ]] || { echo "cargo tree lists too little to be believed"; failed=1; }
  # For one hash of the Kerberos sign-in; never for TLS, and never without that feature.
  if cargo tree --locked --workspace --all-features --edges normal --target all --prefix depth --invert ring 2>/dev/null |
    grep '^1' | grep -v '^1ldap3 ' || cargo tree --locked --package identity-reset --edges normal --target all --prefix none | grep '^ring '; then
    echo "ring is in the tree other than below ldap3 with the feature gssapi"
    failed=1
  fi
  for name in openssl openssl-sys native-tls; do
    if grep -q "^$name " "$tree"; then
      printf '%s is in the tree:\n' "$name"
      cargo tree --locked --workspace --all-features --edges normal --target all --invert "$name" || true
      failed=1
    fi
  done
  for name in rustls reqwest; do
    versions=$(grep -c "^$name " "$tree" || true)
    if [[ $versions -gt 1 ]]; then
      printf '%s is there in %s versions\n' "$name" "$versions"
      failed=1
    fi
  done
  grep -q "^rustls " "$tree" || { echo "no rustls in the tree: this check looks at the wrong thing"; failed=1; }
  cargo metadata --locked --all-features --format-version 1 | python3 .ci/check_licences.py deny.toml || failed=1
  if [[ $(grep '^source = ' Cargo.lock | sort -u | grep -c .) -ne 1 ]] || grep '^source = ' Cargo.lock | grep -qv '"registry+'; then
    echo "a crate does not come from the one registry:"
    grep '^source = ' Cargo.lock | sort | uniq -c
    failed=1
  fi
  if cargo deny --version >/dev/null 2>&1; then
    cargo deny --all-features check bans licenses sources || failed=1
  else
    echo "!!! cargo-deny is not installed: the texts of licences are NOT checked (cargo install cargo-deny)"
  fi
  return "$failed"
}

step_unit() {
  use_examples
  if has_nextest; then
    local filter='' name
    for name in "${SERVER_TESTS[@]}"; do
      filter+="${filter:+ | }binary($name)"
    done
    cargo nextest run "${WHOLE[@]}" --no-fail-fast -E "not ($filter)"
    return
  fi
  local targets
  mapfile -t targets < <(cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    for target in package["targets"]:
        if target["kind"] == ["test"] and target["name"] not in sys.argv[1:]:
            print("--test=" + target["name"])' "${SERVER_TESTS[@]}" | sort -u)
  cargo test "${WHOLE[@]}" --no-fail-fast --lib --bins "${targets[@]}"
}

step_doctest() {
  cargo test "${WHOLE[@]}" --doc
}

# Whether they still work, not how fast they are. The ones that run only by name are named.
step_benches() {
  local benches
  mapfile -t benches < <(cargo metadata --locked --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    for target in package["targets"]:
        if target["kind"] == ["bench"] and target["name"] != "openldap":
            print("--bench=" + target["name"])')
  cargo test "${WHOLE[@]}" "${benches[@]}"
  if "$SLAPD" install; then
    mkdir -p "$STEP_DIR/tmp"
    TMPDIR=$STEP_DIR/tmp cargo test "${WHOLE[@]}" --bench openldap
  else
    echo "!!! slapd is not installed: the benchmark beside ldap-utils was NOT run"
  fi
}

# IDENTITY_RESET_FUZZ_SECONDS and IDENTITY_RESET_FUZZ_SEED choose another length and other values.
step_fuzz() {
  cargo test --locked --release --package identity-reset --test decoders -- --ignored --nocapture
}

step_examples() {
  use_examples
  local name
  for name in embed custom_backend; do
    printf -- '--- %s\n' "$name"
    (cd "$STEP_DIR" && "$IDENTITY_RESET_TEST_EXAMPLES/$name")
  done
  # Some are not ready, and of those in Active Directory it is not known: 1 says so.
  echo "--- audit_recovery, then desk_load on what it wrote"
  local status=0
  "$IDENTITY_RESET_TEST_EXAMPLES/audit_recovery" --by population --out "$STEP_DIR/readiness.jsonl" || status=$?
  test "$status" = 1
  "$IDENTITY_RESET_TEST_EXAMPLES/desk_load" "$STEP_DIR/readiness.jsonl" --agents 10
  echo "--- rehearse, on a made-up shape, with the cards that come with it"
  "$IDENTITY_RESET_TEST_EXAMPLES/rehearse" sample --accounts 1000 --out "$STEP_DIR/shape.jsonl"
  # 1: sessions that ended in Okta cannot be read back, and stay unknown.
  "$IDENTITY_RESET_TEST_EXAMPLES/rehearse" --shape "$STEP_DIR/shape.jsonl" --cards built-in --json >"$STEP_DIR/rehearsal.json" ||
    [[ $? -eq 1 ]]
  jq -e '.rehearsal and .ends_at == null and (.cards | length) >= 6' "$STEP_DIR/rehearsal.json"
  echo "--- inventory, of embedded directories"
  "$IDENTITY_RESET_TEST_EXAMPLES/inventory" show
  echo "--- mass_reset, as the README has it, with --json"
  cargo run --locked --release --example mass_reset -- --json --out "$STEP_DIR/run" >"$STEP_DIR/summary.json"
  python3 .ci/check_summary.py "$STEP_DIR/summary.json"
  echo "--- open_vault, on what mass_reset sealed"
  "$IDENTITY_RESET_TEST_EXAMPLES/open_vault" --vault "$STEP_DIR/run/vault.jsonl" \
    --identity "$STEP_DIR/run/embedded-identity.txt" --all --json --out "$STEP_DIR/opened.jsonl"
  echo "--- messages, to the people of that plan"
  "$IDENTITY_RESET_TEST_EXAMPLES/messages" check examples/messages
  "$IDENTITY_RESET_TEST_EXAMPLES/messages" send examples/messages --plan "$STEP_DIR/run/plan.jsonl" \
    --occasion instruction --channel letter --fact incident=INC-1 --fact by_when=Friday
  # Each secret opens, no account is there twice, and no two share one.
  jq -se 'length > 1000 and ([.[].password] | unique | length) == length and ([.[] | [.directory, .id]] | unique | length) == length' \
    "$STEP_DIR/opened.jsonl"
}

# The report's page, as a browser shows it: a run of `mass_reset` with faults and hostile names makes it.
step_browser() {
  local program
  if ! command -v chromium >/dev/null; then
    if [[ $EUID -ne 0 ]]; then
      echo "!!! NOT RUN: chromium is not on this machine, and only root can install it. No page was looked at."
      return "$NOT_RUN"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
  fi
  for program in node npm; do
    if ! command -v "$program" >/dev/null; then
      echo "!!! NOT RUN: $program is not on this machine. No page was looked at."
      return "$NOT_RUN"
    fi
  done
  local packages=$ROOT/target/browser
  mkdir -p "$packages"
  cp .ci/browser/package.json .ci/browser/package-lock.json "$packages/"
  if ! (cd "$packages" && npm ci --ignore-scripts --omit=optional --no-audit --no-fund --silent); then
    echo "!!! NOT RUN: the packages of .ci/browser/package-lock.json could not be installed. No page was looked at."
    return "$NOT_RUN"
  fi
  export IDENTITY_RESET_REPORT_FOLDER=$STEP_DIR/run
  use_examples
  cargo test "${WHOLE[@]}" --test cli a_report_is_a_page_to_read
  (cd "$packages" && timeout 100 node "$ROOT/.ci/browser/check.mjs" "$STEP_DIR/run/report.html" "$(command -v chromium)" "$STEP_DIR/browser")
}

step_samba() {
  need_root || return
  start_controller dc-conformance 1000 --replicates
  "$DC" join "$STEP_DIR/dc-replica" --of "$STEP_DIR/dc-conformance"
  eval "$("$DC" env "$STEP_DIR/dc-replica")"
  server_tests real_ad
  stop_controllers
  start_controller dc-journey 1000
  server_tests samba
}

step_samba_10k() {
  need_root || return
  start_controller dc-10k 10000
  server_tests samba
}

# Needs no root, once slapd is installed: each test starts one of its own on free ports.
step_slapd() {
  if ! "$SLAPD" install; then
    echo "!!! NOT RUN: slapd is not installed. Nothing here was tested on a real OpenLDAP."
    return "$NOT_RUN"
  fi
  mkdir -p "$STEP_DIR/tmp"
  TMPDIR=$STEP_DIR/tmp server_tests real_slapd
}

# 180 kills on the mock of Active Directory, 24 on that of Graph, 24 on both at once, 24 on that of Okta,
# 24 on all three at once, and 20 on a real controller; `tests/kill` says how many without these variables.
step_kill() {
  need_root || return
  start_controller dc-kill 200
  export IDENTITY_RESET_KILLS=180 IDENTITY_RESET_CLOUD_KILLS=24 IDENTITY_RESET_OKTA_KILLS=24
  # Only one of them is on the controller; the others mostly wait for their mocks.
  server_tests kill 3
  server_tests soar 1
}

# --- what the steps share ---------------------------------------------------------------------

has_nextest() {
  cargo nextest --version >/dev/null 2>&1
}

# Builds every example, and says in the environment where they are, for the tests that run them, too.
use_examples() {
  cargo build --quiet "${WHOLE[@]}" --examples
  IDENTITY_RESET_TEST_EXAMPLES=$(cargo metadata --locked --no-deps --format-version 1 |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"] + "/debug/examples")')
  export IDENTITY_RESET_TEST_EXAMPLES
}

need_root() {
  if [[ $EUID -ne 0 ]]; then
    echo "!!! NOT RUN: a domain controller needs root (ports below 1024). Nothing here was tested on a real server."
    return "$NOT_RUN"
  fi
}

# start_controller NAME ACCOUNTS [OPTION...]: a fresh domain with the synthetic organisation; its variables are exported.
start_controller() {
  local directory=$STEP_DIR/$1 variables
  "$DC" install
  "$DC" start "$directory" "${@:3}"
  variables=$("$DC" env "$directory")
  eval "$variables"
  export IDENTITY_RESET_TEST_SEED=$SEED IDENTITY_RESET_TEST_ACCOUNTS=$2
  use_examples
  "$IDENTITY_RESET_TEST_EXAMPLES/organisation_ldif" \
    --seed "$SEED" --size "$2" --base "$IDENTITY_RESET_TEST_LDAP_BASE" >"$STEP_DIR/$1.ldif"
  "$DC" load "$directory" "$STEP_DIR/$1.ldif"
}

stop_controllers() {
  local directory
  for directory in "$STEP_DIR"/dc*; do
    if [[ -d $directory ]]; then
      "$DC" stop "$directory" --purge
    fi
  done
  # A test that was ended could not stop its own.
  for directory in "$STEP_DIR"/tmp/*/slapd; do
    if [[ -d $directory ]]; then
      "$SLAPD" stop "$directory" --purge
    fi
  done
}

# server_tests TARGET [AT_ONCE]: one after another where they share the server. That none ran is a
# failure, and so is one that found no server and let itself off.
server_tests() {
  local log=$STEP_DIR/$1.log
  use_examples
  if has_nextest; then
    cargo nextest run "${WHOLE[@]}" --test "$1" --run-ignored all --test-threads "${2:-1}" \
      --no-fail-fast --no-tests fail --success-output immediate 2>&1 | tee "$log"
  else
    cargo test "${WHOLE[@]}" --test "$1" -- --include-ignored --test-threads "${2:-1}" --nocapture 2>&1 |
      tee "$log"
    grep -Eq '^test result: ok\. [1-9]' "$log" || { echo "no test ran"; return 1; }
  fi
  if grep -q 'NOT RUN' "$log"; then
    echo "a test says that it did not run, although there is a server"
    return 1
  fi
}

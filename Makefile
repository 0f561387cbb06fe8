# Each target is one command and does its own set-up. INSTALL=1 installs missing Debian packages.
#   make quickstart            watch a push become running objects and an alert; ONCE=1 ends by itself
#   make test                  all tests; needs no cluster, the control plane is built first
#   make faults                the long fault tests: 50 kills, 20 s without an API server; KILL_SEED=<seed> repeats one
#   make cli                   tests with the released flux and helm CLIs, which are built first (15 minutes, once)
#   make lint                  format, clippy, documentation, dependency rules, generated files
#   make bench                 the controllers measured in the lab, as a table; BENCH="push --pushes 50" chooses
#   make microbench            benchmarks of single libraries
#   make conformance CASES=<directory of recorded cases>
#   make helm-conformance CHARTS=<folder of charts>  whole outputs compared with those of the real helm, built first; ONLY=<regex>
PROFILE ?= release
CONTROLLERS := source-controller kustomize-controller notification-controller

.PHONY: quickstart test faults cli lint bench microbench conformance helm-conformance prerequisites control-plane

quickstart: control-plane
	cargo build --quiet --profile $(PROFILE) $(CONTROLLERS:%=-p %) -p flux-e2e --bins
	cargo run --quiet --profile $(PROFILE) -p flux-e2e --bin quickstart

test: control-plane
	cargo test --workspace --no-fail-fast

faults: control-plane
	cargo test -p flux-e2e --test it -- --ignored --skip cli:: --nocapture --test-threads=1

cli: control-plane
	@e2e/cli/build >/dev/null
	@e2e/helm/build >/dev/null
	cargo test -p flux-e2e --test it -- --ignored cli::

lint: prerequisites
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps
	e2e/dependency-rules
	@generated=$$(mktemp -d) && trap 'rm -rf "$$generated"' EXIT && \
	  cargo run --quiet -p flux-api --bin crdgen -- "$$generated" && diff -r charts/crds "$$generated"

bench: control-plane
	cargo build --quiet --profile $(PROFILE) $(CONTROLLERS:%=-p %) -p flux-e2e --bins
	cargo run --quiet --profile $(PROFILE) -p flux-e2e --bin bench -- $(BENCH)
	cargo bench --quiet -p source-controller --bench sources

microbench: control-plane
	common/yaml/bench.sh
	common/kustomize/bench.sh
	common/helm/bench.sh
	cargo bench --quiet -p notification-controller --bench webhook

conformance: prerequisites
	@test -n "$(CASES)" || { echo "say where the recorded cases are: make conformance CASES=<directory>" >&2; exit 1; }
	cargo run --quiet -p flux-kustomize --example conformance -- $(CASES)/kustomize
	cargo run --quiet -p flux-api --example crd-conformance -- $(CASES)/crds

helm-conformance: prerequisites
	@test -n "$(CHARTS)" || { echo "say where the charts are: make helm-conformance CHARTS=<folder>" >&2; exit 1; }
	cargo build --quiet --profile $(PROFILE) -p flux-helm --example template
	@helm=$$(e2e/helm/build) && target=$${CARGO_TARGET_DIR:-target} && \
	  common/helm/conformance.py "$$helm" "$$target/$(PROFILE)/examples/template" "$(CHARTS)" "$(ONLY)"

prerequisites:
	@e2e/prerequisites

control-plane: prerequisites
	@e2e/control-plane/build >/dev/null

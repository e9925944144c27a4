# The few commands of this repository. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
CARGO ?= cargo
PACKAGE := target/package

.PHONY: help run setup check test bench package clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## a whole small country in one process, with sample data
	@command -v cc >/dev/null || scenarios/setup.sh build
	$(CARGO) run --release --locked -p hufu-node --bin hufu -- demo

setup: ## install what the tests need and is not there yet
	scenarios/setup.sh

check: ## format, lints and the rules of the house
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) xtask tidy

test: setup check ## everything a change must pass; the build machine runs this
	$(CARGO) test --workspace --locked
	scenarios/run.sh

bench: ## CPU time per query, next to its peers where they are installed
	$(CARGO) run --release --locked -p hufu-bench

package: ## binary, completions, man page and systemd unit under target/package
	$(CARGO) build --profile dist --locked -p hufu-node --bin hufu
	rm -rf $(PACKAGE)
	install -D -m 755 "$${CARGO_TARGET_DIR:-target}/dist/hufu" $(PACKAGE)/usr/bin/hufu
	install -D -m 644 deploy/hufu@.service $(PACKAGE)/usr/lib/systemd/system/hufu@.service
	install -D -m 644 LICENSE $(PACKAGE)/usr/share/doc/hufu/LICENSE
	install -d $(PACKAGE)/usr/share/man/man1 \
		$(PACKAGE)/usr/share/bash-completion/completions \
		$(PACKAGE)/usr/share/zsh/vendor-completions \
		$(PACKAGE)/usr/share/fish/vendor_completions.d
	$(PACKAGE)/usr/bin/hufu manual > $(PACKAGE)/usr/share/man/man1/hufu.1
	$(PACKAGE)/usr/bin/hufu completions bash > $(PACKAGE)/usr/share/bash-completion/completions/hufu
	$(PACKAGE)/usr/bin/hufu completions zsh > $(PACKAGE)/usr/share/zsh/vendor-completions/_hufu
	$(PACKAGE)/usr/bin/hufu completions fish > $(PACKAGE)/usr/share/fish/vendor_completions.d/hufu.fish

clean: ## remove what was built
	$(CARGO) clean

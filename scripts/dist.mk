# SPDX-License-Identifier: MIT
# The Makefile of the archive that `make dist` packs: needs neither Deno nor
# network, and a compiler only for the modules.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

KERNEL_RELEASE ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNEL_RELEASE)/build
PREFIX ?= /usr/local
DESTDIR ?=

BIN := build/bin
KMOD := build/kmod/$(KERNEL_RELEASE)
LIB := build/lib/vpipe
LAUNCHERS := $(patsubst tools/%.launcher,%,$(wildcard tools/*.launcher))
TOOLS := $(patsubst tools/%.program,%,$(wildcard tools/*.program)) $(LAUNCHERS)

.PHONY: all
all: tools modules ## the tools, and the modules for the running (or given) kernel

.PHONY: tools
tools: $(TOOLS:%=$(BIN)/%) ## the tools, in build/bin

# The tools of another machine only say "Exec format error".
.PHONY: architecture
architecture:
	@[ "$$(uname -m)" = "$$(cat tools/ARCH)" ] || \
		{ echo "vpipe: this archive is for $$(cat tools/ARCH), and this machine is $$(uname -m): get the archive for that" >&2; exit 1; }

check_sum = echo "$$(sed -n 's/  $*$$//p' tools/SHA256SUMS)  $@.new" | sha256sum --check --status || \
	{ echo "$*: checksum differs: unpack the archive again" >&2; exit 1; }

$(TOOLS:%=$(BIN)/%): | architecture

$(BIN)/%: tools/%.program tools/runtime
	@mkdir -p $(@D)
	@cat tools/runtime $< >$@.new
	@$(check_sum)
	@chmod 755 $@.new
	@mv $@.new $@

$(BIN)/%: tools/%.launcher $(LIB)/deno
	@mkdir -p $(@D)
	@cp $< $@.new
	@$(check_sum)
	@mv $@.new $@

# One Deno, and a program a tool.
$(LIB)/deno: tools/deno $(wildcard tools/*.js) | architecture
	@mkdir -p $(@D)
	@cp tools/*.js $(@D)
	@cp $< $@.new
	@mv $@.new $@

.PHONY: kernels-example
kernels-example: build/kernels/example.so ## a library for decoder-daemon --kernels

build/kernels/example.so: daemon/pixel_functions/example.c daemon/pixel_functions/vpipe-kernels.h
	@mkdir -p $(@D)
	@$(CC) -std=c11 -O3 -fPIC -shared -o $@.new $<
	@mv $@.new $@

.PHONY: modules
modules: ## the modules; needs the kernel's headers
	@scripts/modules.sh $(KDIR) $(abspath $(KMOD))

.PHONY: check
check: tools ## the validation suite on this machine (as root); ONLY=GROUP,...
	scripts/check.sh $(if $(ONLY),--only $(ONLY))

.PHONY: demo
demo: tools ## frames through this machine's filter (as root, with vpipe and vivid loaded)
	scripts/demo.sh bench/demo

.PHONY: install
install: $(BIN)/vpipe modules ## the tools as one program, manual, completion, the daemon's unit, modules
	scripts/install.sh tools "$(DESTDIR)" "$(PREFIX)" build
	scripts/install.sh modules "$(DESTDIR)" $(KERNEL_RELEASE) $(KMOD)

.PHONY: uninstall
uninstall: ## what `make install` put there
	scripts/install.sh remove "$(DESTDIR)" "$(PREFIX)" $(KERNEL_RELEASE)

.PHONY: clean
clean: ## forget what was built here
	rm -rf build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

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
TOOLS := $(patsubst tools/%.program,%,$(wildcard tools/*.program))

.PHONY: all
all: tools modules ## the tools, and the modules for the running (or given) kernel

.PHONY: tools
tools: $(TOOLS:%=$(BIN)/%) ## the tools, in build/bin

$(BIN)/%: tools/%.program tools/runtime
	@mkdir -p $(@D)
	@cat tools/runtime $< >$@.new
	@echo "$$(sed -n 's/  $*$$//p' tools/SHA256SUMS)  $@.new" | sha256sum --check --status || \
		{ echo "$*: checksum differs: unpack the archive again" >&2; exit 1; }
	@chmod 755 $@.new
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
install: all ## tools to PREFIX/bin, the daemon's unit, modules to /lib/modules
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/lib/modules/$(KERNEL_RELEASE)/updates
	install -m 755 $(TOOLS:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local/bin|$(PREFIX)/bin|' daemon/decoder-daemon.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/decoder-daemon.service
	install -m 644 $(KMOD)/*.ko $$(find $(KMOD)/mem2mem -name "*.ko" 2>/dev/null) $(DESTDIR)/lib/modules/$(KERNEL_RELEASE)/updates
	$(if $(DESTDIR),,depmod $(KERNEL_RELEASE))

.PHONY: clean
clean: ## forget what was built here
	rm -rf build

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

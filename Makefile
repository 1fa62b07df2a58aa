# SPDX-License-Identifier: MIT
# vpipe: kernel modules, tools, guests and tests. `make help` lists the targets.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

KERNEL_RELEASE ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNEL_RELEASE)/build
PREFIX ?= /usr/local
DESTDIR ?=

# Of the tools; by the kernel's name for it or by Debian's.
HOST := $(shell uname -m)
ARCH ?= $(HOST)
aarch64_names := arm64 aarch64
x86_64_names := amd64 x86_64
override ARCH := $(or $(if $(filter $(ARCH),$(aarch64_names)),aarch64),$(if $(filter $(ARCH),$(x86_64_names)),x86_64),$(ARCH))
# The kernel's build means something else by it.
unexport ARCH
MAKEOVERRIDES := $(filter-out ARCH=%,$(MAKEOVERRIDES))
FOREIGN := $(filter-out $(HOST),$(ARCH))

BUILD := build$(FOREIGN:%=/%)
BIN := $(BUILD)/bin
KMOD := build/kmod/$(KERNEL_RELEASE)
VERSION := $(shell sed -n 's/^  "version": "\(.*\)",/\1/p' deno.json)

# A tool reaches files and devices through the C library, so FFI is all it
# needs; check starts the tools and reads /proc and /sys, which takes them all.
TOOLS := bench-compare bench-fixture bench-report camera-report capture-dmabuf capture-m2m capture-mmap capture-read \
	capture-userptr check cv-ref decode-file decoder-daemon dump-pgm fixture-feed loop-ctl loop-write meta-drain \
	pgm-diff trace-frames
PERMISSIONS = --allow-ffi
PERMISSIONS_check = --allow-all
PERMISSIONS_vpipe = --allow-all

DENO := toolchain/deno
# The network was probed once, by the set-up: see toolchain/setup.
IMPORTS = $(if $(filter closed,$(shell cat build/toolchain/network)),--import-map toolchain/offline/import_map.json)

# A foreign call is fast in TurboFan's code alone: Maglev's, in which a long loop
# would stay for good, makes it the slow way. So the loop gets to TurboFan, soon. The
# memory reducer collects garbage after eight idle seconds, while frames get lost. A
# small young generation collects often and little, and stops growing early.
V8_FLAGS := --no-maglev,--no-lazy-feedback-allocation,--invocation-count-for-turbofan=30,--invocation-count-for-osr=20,--minimum-invocations-after-ic-update=15,--no-memory-reducer,--max-semi-space-size=2

COMPILE = $(DENO) compile --quiet --no-check --no-prompt --v8-flags=$(V8_FLAGS) $(IMPORTS)

# What an architecture's tools are made of, as the set-up found: a program each, or
# where no compile runtime is to be had, bundles that launchers run in one Deno.
RUNTIME := build/toolchain/runtime$(FOREIGN:%=-%)
LAUNCHED = $(filter launchers%,$(shell cat $(RUNTIME)))

##@ Building

.PHONY: all
all: tools modules ## modules for the running (or given) kernel, and all tools

.PHONY: setup
setup: ## packages and Deno for building and tests (as root); guests fetch theirs at their first run
	toolchain/setup

build/toolchain/network build/toolchain/chart.js:
	toolchain/setup deno

build/toolchain/runtime-%: build/toolchain/network
	toolchain/setup deno-$*

.PHONY: tools
tools: $(TOOLS:%=$(BIN)/%) ## the tools, in build/bin; ARCH=aarch64: in build/aarch64/bin

SOURCES := $(shell find lib toolchain/offline -name '*.ts' -o -name '*.json') deno.json

define compile
	@mkdir -p $(@D)
	@echo "  COMPILE $(@:build/%=%)"
	@$(if $(LAUNCHED),$(bundle),$(standalone))
endef

permissions = $(or $(PERMISSIONS_$(@F)),$(PERMISSIONS))
standalone = $(COMPILE) $(FOREIGN:%=--target %-unknown-linux-gnu) $(permissions) \
	$(INCLUDE_$(@F):%=--include %) --output $@.new $< && mv $@.new $@
bundle = toolchain/bundle $(ARCH) $(RUNTIME:build/toolchain/runtime%=build/toolchain/deno%) $@ \
	"$(permissions) --v8-flags=$(V8_FLAGS)" "$(IMPORTS)" $< $(INCLUDE_$(@F))

$(TOOLS:%=$(BIN)/%) $(BIN)/vpipe: $(if $(FOREIGN),$(RUNTIME) toolchain/bundle)

$(BIN)/%: tools/%.ts $(SOURCES) Makefile build/toolchain/network
	$(compile)

# Its threads run a program of their own, which no import names.
INCLUDE_decoder-daemon := daemon/session/stream_worker.ts

$(BIN)/decoder-daemon: daemon/decoder-daemon.ts $(shell find daemon -name '*.ts') $(SOURCES) Makefile build/toolchain/network
	$(compile)

# The pages that they write: charts, scripts and style.
$(BIN)/bench-compare $(BIN)/bench-report $(BIN)/camera-report: build/toolchain/chart.js $(wildcard lib/report/*.js lib/report/*.css)

$(BIN)/check: $(shell find tests/check tests/harness -name '*.ts')

# Manual pages and completion, of what the tools declare.
MANUAL := build/manual/stamp

$(MANUAL): scripts/manual.ts $(wildcard tools/*.ts) $(shell find daemon -name '*.ts') $(SOURCES) build/toolchain/network build/toolchain/chart.js
	@echo "  MANUAL"
	@$(DENO) run --quiet --no-check --allow-all $(IMPORTS) scripts/manual.ts build/manual
	@touch $@

.PHONY: manual
manual: $(MANUAL) ## manual pages and completion, in build/manual

# All of them in one.
.PHONY: vpipe
vpipe: $(BIN)/vpipe ## every tool in one program, build/bin/vpipe: what is installed

INCLUDE_vpipe := $(INCLUDE_decoder-daemon)

$(BIN)/vpipe: $(wildcard tools/*.ts) $(shell find daemon tests/check tests/harness -name '*.ts') build/toolchain/chart.js \
	$(wildcard lib/report/*.js lib/report/*.css)

KERNELS_EXAMPLE := $(BUILD)/kernels/example.so
COMPILER = $(or $(FOREIGN:%=%-linux-gnu-gcc),$(CC))

.PHONY: kernels-example
kernels-example: $(KERNELS_EXAMPLE) ## a library for decoder-daemon --kernels, of daemon/pixel_functions/example.c

$(KERNELS_EXAMPLE): daemon/pixel_functions/example.c daemon/pixel_functions/vpipe-kernels.h
	@mkdir -p $(@D)
	@echo "  CC $(@F)"
	@$(COMPILER) -std=c11 -O3 -Wall -Wextra -Werror -fPIC -shared -o $@.new $<
	@mv $@.new $@

build/test/stress: $(shell find tests/stress tests/harness -name '*.ts') $(SOURCES) build/toolchain/network
	@mkdir -p $(@D)
	@echo "  COMPILE stress"
	@$(COMPILE) --allow-all --output $@.new tests/stress/stress.ts
	@mv $@.new $@

.PHONY: modules
modules: ## the kernel modules; KERNEL_RELEASE=... or KDIR=... for another kernel
	@scripts/modules.sh $(KDIR) $(abspath $(KMOD))

##@ Trying and testing

.PHONY: demo
demo: setup ## send frames through the kernel of a guest and show what each cost
	@$(MAKE) --no-print-directory tools
	guest/run --kernel debian --cpus 1 -- scripts/demo.sh bench/demo

.PHONY: check
check: ## the validation suite on this machine (as root); build first; ONLY=GROUP,...
	scripts/check.sh $(if $(ONLY),--only $(ONLY))

.PHONY: test
test: setup ## everything, two steps at a time; STEPS="..." for some (tests/run --list)
	tests/run $(STEPS)

.PHONY: benchmark
benchmark: setup tools ## frame cost in the uml guest against another build: OTHER_MODULE= OTHER_BENCH= DIR=bench/benchmark
	guest/run --kernel uml --cpus 1 -- scripts/compare_fixture.sh "$(OTHER_MODULE)" "$(OTHER_BENCH)" \
		$(or $(DIR),bench/benchmark)

.PHONY: calibrate
calibrate: setup ## in the uml guest: whether delays of known length are found where they are; the instrument's own cost
	guest/run --kernel uml --cpus 1 -- scripts/calibrate.sh -- $(V8_FLAGS) $(IMPORTS)

.PHONY: ledger
ledger: setup tools ## every benchmark row in the guests: bench/ledger, docs/benchmark.md; FRAMES=600
	scripts/ledger.sh $(FRAMES)

##@ Distribution

.PHONY: dist
dist: tools $(BIN)/vpipe $(MANUAL) ## one archive to copy onto a guest: build/vpipe-VERSION-ARCH.tar.xz
	scripts/dist.sh $(VERSION) $(ARCH) $(BUILD) $(TOOLS) vpipe

.PHONY: deb
deb: $(BIN)/vpipe $(MANUAL) ## Debian packages, in build/deb; ARCH=aarch64 for another machine
	@scripts/deb/build $(VERSION) $(ARCH) $(BUILD)

.PHONY: install
install: $(BIN)/vpipe modules $(MANUAL) ## the tools as one program, manual, completion, the daemon's unit, modules
	scripts/install.sh tools "$(DESTDIR)" "$(PREFIX)" $(BUILD)
	scripts/install.sh modules "$(DESTDIR)" $(KERNEL_RELEASE) $(KMOD)

.PHONY: uninstall
uninstall: ## what `make install` with the same PREFIX and KERNEL_RELEASE put there
	scripts/install.sh remove "$(DESTDIR)" "$(PREFIX)" $(KERNEL_RELEASE)

.PHONY: clean
clean: ## forget tools and modules; guests and toolchain stay (remove build/ for those)
	rm -rf $(BIN) $(BUILD)/lib build/kmod build/manual $(BUILD)/kernels build/deb build/vpipe-*.tar.xz

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

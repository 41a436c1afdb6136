# Every target first sets up what is missing (scripts/bootstrap.py); ROS_DISTRO=jazzy chooses Jazzy.
PYTHON ?= python3
SETUP = $(PYTHON) scripts/bootstrap.py $(addprefix --extra ,$(EXTRAS))
# Tests stay apart from whatever else runs on this machine.
PYTEST = ROS_DOMAIN_ID=$${ROS_DOMAIN_ID:-$$(($$$$ % 100 + 1))} $(SETUP) pytest
# By files, in the order that tests/conftest.py gives them.
SIDE_BY_SIDE = -n logical --dist loadfile --no-loadscope-reorder
# To read the files of all other tests takes a quarter of a minute.
GRAPH_ONLY = --ignore-glob='tests/[!g]*' --ignore=tests/geometry

.PHONY: setup demo docs test test-fast test-slow smoke test-jazzy bench lint clean

setup:
	@$(SETUP)

demo:
	@$(SETUP) av-tracker demo $(ARGS)

# These set up all that any test needs (what they depend on does, too); a test that is skipped all
# the same fails them, unless tests/strict_skips.py explains it.
test test-fast test-slow: override EXTRAS += tests
test test-fast test-slow: PYTEST += --strict-skips

# Unit tests run side by side; graph tests, which keep the machine busy, one after the other. Status
# 5: ARGS leaves none of them.
test: lint
	@$(PYTEST) -m 'not slow and not graph' $(SIDE_BY_SIDE) $(ARGS) || [ $$? -eq 5 ]
	@$(PYTEST) -m 'not slow and graph' $(GRAPH_ONLY) $(ARGS) || [ $$? -eq 5 ]

# For the inner loop: unit tests that are quick.
test-fast: lint
	@$(PYTEST) -m 'not slow and not graph and not thorough' $(SIDE_BY_SIDE) $(ARGS) || [ $$? -eq 5 ]

test-slow:
	@$(PYTEST) -m slow $(ARGS)

# A recording through the live nodes, their life cycles and what they may do.
smoke:
	@$(PYTEST) -m 'not slow' $(addprefix tests/graph/test_graph_,replay.py lifecycle.py policy.py) $(ARGS)

test-jazzy:
	@ROS_DISTRO=jazzy $(MAKE) smoke

# What README and docs show and list: pictures from a run of today, the table of parameters, the
# notebook.
docs: override EXTRAS += view
docs: demo
	@$(SETUP) av-tracker bench scaling
	@$(SETUP) av-tracker view out/demo/bag --save out/demo/tracks.rrd
	@$(SETUP) python scripts/picture_viewer.py out/demo/tracks.rrd
	cp out/demo/loop.webp out/demo/tracks.png out/bench/scaling.png docs/
	@$(SETUP) python scripts/write_params.py
	@$(SETUP) python scripts/write_notebook.py

bench:
	@$(SETUP) av-tracker bench $(ARGS)

lint:
	@$(SETUP) ruff check
	@$(SETUP) ruff format --check

clean:
	rm -rf .venv .venv-* out
	find ros2_ws -mindepth 1 -maxdepth 1 ! -name COLCON_IGNORE ! -name fallback -exec rm -rf {} +

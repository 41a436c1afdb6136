# Every target first sets up what is missing (scripts/bootstrap.py); ROS_DISTRO=jazzy chooses Jazzy.
PYTHON ?= python3
SETUP = $(PYTHON) scripts/bootstrap.py $(addprefix --extra ,$(EXTRAS))
# Tests stay apart from whatever else runs on this machine.
PYTEST = ROS_DOMAIN_ID=$${ROS_DOMAIN_ID:-$$(($$$$ % 100 + 1))} $(SETUP) pytest
# Where all that tests need is set up, a skipped test is a failure unless tests/skips.py explains it.
ALL_OF = $(PYTEST) --strict-skips -m
# Unit tests run side by side.
SIDE_BY_SIDE = -n logical --dist loadfile
# ARGS may leave no test.
OR_NONE = || [ $$? -eq 5 ]

.PHONY: setup demo test test-fast test-slow smoke test-jazzy bench lint clean

setup:
	@$(SETUP)

demo:
	@$(SETUP) av-tracker demo $(ARGS)

# Their prerequisites get these packages too, so that whatever is missing is said at once.
test test-fast test-slow: override EXTRAS += tests

# Graph tests, which keep the machine busy, run one after the other.
test: lint
	@$(ALL_OF) 'not slow and not graph' $(SIDE_BY_SIDE) $(ARGS) $(OR_NONE)
	@$(ALL_OF) 'not slow and graph' $(ARGS) $(OR_NONE)

# For the inner loop.
test-fast: lint
	@$(ALL_OF) 'not slow and not graph and not thorough' $(SIDE_BY_SIDE) $(ARGS) $(OR_NONE)

test-slow:
	@$(ALL_OF) slow $(ARGS)

# A recording through the live nodes, their life cycles and what they may do.
smoke:
	@$(PYTEST) -m 'not slow' $(addprefix tests/graph/test_graph_,replay.py lifecycle.py policy.py) $(ARGS)

test-jazzy:
	@ROS_DISTRO=jazzy $(MAKE) smoke

bench:
	@$(SETUP) av-tracker bench $(ARGS)

lint:
	@$(SETUP) ruff check
	@$(SETUP) ruff format --check

clean:
	rm -rf .venv .venv-* out
	find ros2_ws -mindepth 1 -maxdepth 1 ! -name COLCON_IGNORE ! -name fallback -exec rm -rf {} +

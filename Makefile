# Every target first sets up what is missing (scripts/bootstrap.py); ROS_DISTRO=jazzy chooses Jazzy.
PYTHON ?= python3
SETUP := $(PYTHON) scripts/bootstrap.py
# Tests stay apart from whatever else runs on this machine.
PYTEST = ROS_DOMAIN_ID=$${ROS_DOMAIN_ID:-$$(($$$$ % 100 + 1))} $(SETUP) pytest

.PHONY: setup demo test test-slow smoke test-jazzy bench lint clean

setup:
	@$(SETUP) $(addprefix --extra ,$(EXTRAS))

demo:
	@$(SETUP) av-tracker demo $(ARGS)

# Unit tests run side by side; graph tests, which keep the machine busy, one after the other. Status
# 5: ARGS leaves none of them.
test: lint
	@$(PYTEST) -m 'not slow and not graph' -n logical --dist loadfile $(ARGS) || [ $$? -eq 5 ]
	@$(PYTEST) -m 'not slow and graph' $(ARGS) || [ $$? -eq 5 ]

test-slow:
	@$(PYTEST) -m slow $(ARGS)

# A recording through the live nodes, their life cycles and what they may do.
smoke:
	@$(PYTEST) -m 'not slow' $(addprefix tests/graph/test_graph_,replay.py lifecycle.py policy.py) $(ARGS)

test-jazzy:
	@ROS_DISTRO=jazzy $(MAKE) smoke

bench:
	@$(SETUP) $(addprefix --extra ,$(EXTRAS)) av-tracker bench $(ARGS)

lint:
	@$(SETUP) ruff check
	@$(SETUP) ruff format --check

clean:
	rm -rf .venv .venv-* out
	find ros2_ws -mindepth 1 -maxdepth 1 ! -name COLCON_IGNORE ! -name fallback -exec rm -rf {} +

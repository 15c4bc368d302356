# Every target makes .venv and installs what it needs by itself; Python 3.11+ and make are all it takes.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test check format benchmark check-crash clean

install: .venv/installed

# pip older than 25.1 cannot install dependency groups, so pip comes first.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chainrule needs Python 3.11 or newer; this is " + sys.version.split()[0] + ": call make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group test --group check
	@touch $@

demo: install
	rm -rf runs/demo
	$(BIN)/chainrule train sentiment --output runs/demo
	$(BIN)/chainrule predict runs/demo 这是一个很好的产品 我非常喜欢这个电影 这个餐厅的菜品不好吃 这本书很有趣

# Every line and branch of the autograd must be executed by its own tests; they run once, under coverage.
test: install
	$(BIN)/python -m coverage run -m pytest tests/autograd
	$(BIN)/python -m coverage report
	$(BIN)/python -m pytest --ignore=tests/autograd --numprocesses auto --dist loadfile

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: install
	$(BIN)/python -m pip install --quiet --group benchmark --group benchmark-text
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m benchmarks

check-crash: install
	$(BIN)/python -m pytest tests/crash --real-kills 20

clean:
	rm -rf .venv build dist runs src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The verbs of the project. Needs Python 3.11 or newer, pip and make; installs into .venv only.

VENV  := .venv
BIN   := $(VENV)/bin
TORCH ?= 1

# Where versions or dependencies changed, the next verb installs again; otherwise nothing is fetched.
VERSIONS := pyproject.toml constraints.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench preview clean

help: ## Show what you can type
	@echo "make VERB, where VERB is one of"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed-demo ## Start it all on this machine: DATA=folder (data), PORT=number (8080)
	@$(BIN)/bookwiz demo $(if $(DATA),--data "$(DATA)") $(if $(PORT),--port $(PORT))

TORCH_INSTALLED := $(if $(filter-out 0,$(TORCH)),$(VENV)/.installed-torch)

# A process a core: threads of numpy and PyTorch would only wait for each other.
test: lint $(TORCH_INSTALLED) ## Lint, then run every test: ARGS="-k name" for some, TORCH=0 without PyTorch
	@$(if $(TORCH_INSTALLED),true,echo "TORCH=0: PyTorch stays out. What needs it is not tried, and the end of the run says so.")
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -p tests.strict -n auto --maxprocesses 4 --dist worksteal $(ARGS)

lint: $(VENV)/.installed-dev ## Check style, types and which module may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

preview: $(VENV)/.installed-dev ## Draw messages as Discord and Slack show them: build/preview.html
	@mkdir -p build && $(BIN)/python -m tests.preview build/preview.html

bench: $(VENV)/.installed-dev ## Measure: ARGS="name" for one benchmark
	@$(BIN)/python -m bench $(ARGS)

clean: ## Delete what was installed and cached here; your data stays
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed-demo: $(VERSIONS) | $(BIN)/python
	@$(call install,demo)
	@touch $@

$(VENV)/.installed-dev: $(VERSIONS) | $(BIN)/python
	@$(call install,dev)
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-torch: constraints-torch.txt | $(VENV)/.installed-dev
	@echo "Installing PyTorch into $(VENV): it is large; TORCH=0 leaves it out."
	@$(BIN)/python -m pip install --quiet --no-cache-dir --progress-bar off -c constraints.txt -c constraints-torch.txt torch==2.13.0
	@touch $@

# Debian's Python comes without ensurepip; the pip beside it can fill the environment instead.
$(BIN)/python:
	@python="$(PYTHON)"; \
	for candidate in python3.13 python3.12 python3.11 python3 python; do \
		[ -n "$$python" ] && break; \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python="$$candidate"; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Bookwiz needs Python 3.11 or newer and found none on PATH. Install one, or say make PYTHON=/path/to/python." >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$python" -V)."; \
	"$$python" -m venv $(VENV) >/dev/null 2>&1 || { \
		"$$python" -m venv --clear --without-pip $(VENV) && \
		"$$python" -m pip --python $@ install --quiet --no-cache-dir pip; \
	} || { rm -rf $(VENV); echo "$$python could make no virtual environment: install its venv or pip package." >&2; exit 1; }

# pip's own output is one line per library; this keeps a person informed in a few. Its errors show.
define install
echo "Installing Bookwiz ($(1)) into $(VENV): a minute or two the first time, offline afterwards."; \
{ $(BIN)/python -m pip install --no-cache-dir --progress-bar off -c constraints.txt -e '.[$(1)]' || echo FAILED; } | { \
	found=0; \
	while read -r word rest; do \
		case "$$word" in \
			Collecting) found=$$((found + 1)); [ $$((found % 20)) -ne 0 ] || echo "  $$found libraries fetched …";; \
			Installing) [ "$${rest%%[ :]*}" != collected ] || echo "  installing them …";; \
			FAILED) exit 1;; \
		esac; \
	done; \
}
endef

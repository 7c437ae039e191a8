"""The analyses that there are, and what each is called in messages, menus and the report."""

from typing import Literal, get_args

Analysis = Literal["confusion", "errors", "slices", "diff", "saliency", "robustness", "quantize"]
KINDS: tuple[Analysis, ...] = get_args(Analysis)
TITLES: dict[str, str] = {
    "confusion": "What is taken for what",
    "errors": "Where it is wrong",
    "slices": "How it does under which conditions",
    "diff": "What changed",
    "saliency": "What it looks at",
    "robustness": "What it stands",
    "quantize": "What int8 would bring",
}

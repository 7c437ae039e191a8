"""Strange hyperparameters: taken as they were written, or refused with what is wrong and an example."""

import pytest

from bot.features.leaderboards import configs
from bot.kit.command import Refusal

# Unfolded, the last line would be nine times nine … times nine words.
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

TAKEN = {
    "letters of other people": ("lr: 🚀\nname: Größe", {"lr": "🚀", "name": "Größe"}),
    "a tag that would run something": (
        "lr: !!python/object/apply:os.system [rm]", {"lr": '["rm"]'},
    ),
    "words that YAML knows": (
        "a: yes\nb: ~\nc: 0o17\nd: 2026-01-01\ne: 1_000\nf: 1e3",
        {"a": "yes", "b": "~", "c": "0o17", "d": "2026-01-01", "e": "1_000", "f": "1e3"},
    ),
    "no number": ('{"lr": NaN, "x": [Infinity]}', {"lr": "NaN", "x": "[Infinity]"}),
    "no number in YAML": ("lr: .nan\nx: -.inf", {"lr": ".nan", "x": "-.inf"}),
    "a huge number": ('{"n": ' + "9" * 3900 + "}", {"n": "9" * 3900}),
    "a mark of order": ("\ufefflr: 1", {"lr": "1"}),
    "a merge that merges nothing": ("<<: {a: 1}\nb: 2", {"<<.a": "1", "b": "2"}),
    "an anchor that nobody uses": ("a: &x 1\nb: 2", {"a": "1", "b": "2"}),
    "half a letter": ('{"a": "\\ud800", "b\\u0000": "\\u202e"}', {"a": "?", "b?": "?"}),
    "one name in two places": ("a: {lr: 1}\nb: {lr: 2}", {"a.lr": "1", "b.lr": "2"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_odd_but_plain_is_taken_as_it_was_written(name):
    text, wanted = TAKEN[name]
    assert configs.parse(text) == wanted


REFUSED = {
    "a name twice in YAML": ("lr: 1\nepochs: 3\nlr: 2", "lr is there twice"),
    "a name twice in JSON": ('{"lr": 1, "lr": 2}', "lr is there twice"),
    "a name twice further in": ("a:\n  lr: 1\n  lr: 2", "lr is there twice"),
    "a name twice in pairs": ("lr=1 lr=2", "lr is there twice"),
    "a name twice in both writings": ("lr: 1\nlr= 2", "lr is there twice"),
    "no name": (": 1", "Line 1"),
    "no name in JSON": ('{"": 1}', "no name"),
    "a list": ("- 1\n- 2", "no name"),
    "a word": ("hello", "no name"),
    "a list as a name": ("? [a, b]\n: 1", "unhashable"),
    "two documents": ("---\na: 1\n---\nb: 2", "another document"),
    "a tab": ("a:\n\tb: 1", "Line 2"),
    "control characters": ("a: \x1b[2J", "cannot be shown"),
    "turned letters": ("a: \u202e1.0", "cannot be shown"),
    "an alias": ("a: &x [1]\nb:\n  - *x", "aliases"),
    "brackets in brackets": ("a: " + "[" * 1000, "nested too deeply"),
    "lists in lists": ("- " * 1990, "nested too deeply"),
    "braces in braces": ('{"a":' * 700 + "1" + "}" * 700, "longer than"),
    "a megabyte of brackets": ("a: " + "[" * 1_000_000, "longer than 4,000"),
    "a megabyte of braces": ("{" * 1_000_000, "longer than 4,000"),
    "a megabyte of settings": ("a: 1\n" * 200_000, "longer than 4,000"),
    "too large a number": ('{"n": ' + "9" * 5000 + "}", "longer than 4,000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_mean_anything_is_refused_with_an_example(name):
    text, words = REFUSED[name]
    with pytest.raises(Refusal) as refused:
        configs.parse(text)
    said = refused.value
    assert said.code == "E_CONFIG"
    assert words in str(said)
    assert said.lines == configs.EXAMPLE
    assert len(said.got) <= 80


def test_lists_that_name_each_other_are_never_unfolded():
    found = configs.parse(LAUGHS)
    assert sum(map(len, found.values())) < len(LAUGHS)


def test_rows_of_separators_part_settings_once():
    assert configs.parse("a=1 ,; ,; b = 2;;c=3\n  d=4") == {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert configs.parse("a" + " " * 3990 + "=1") == {"a": "1"}

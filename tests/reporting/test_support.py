"""The page on what is supported says what the rules say."""

from pathlib import Path

from homolog.reporting.support import support
from homolog.rules import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "support.md"


def test_the_page_in_the_documentation_is_the_one_that_the_rules_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == support(), "make support"


def test_every_rule_has_its_row() -> None:
    rows = {line.split(" | ")[0].removeprefix("| ") for line in support().splitlines() if line.startswith("| ")}
    assert {rule.name for rule in TABLE} <= rows


def test_layouts_and_settings_that_change_the_function_are_told() -> None:
    row = next(line for line in support().splitlines() if line.startswith("| conv2d "))
    for words in ("`nn.Conv2d`", "`layers.Conv2D`", "*stride*", "out inp h w → h w inp out"):
        assert words in row

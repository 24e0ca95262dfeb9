"""axe-core: looks for what keeps people from using a page."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SCRIPT = Path(__file__).resolve().parent.parent.parent / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The design system's guidance puts the back link before the main region; axe would have it inside.
ALLOWED = {("region", ".nhsuk-back-link")}
RUN = """
async (rules) => {
  const found = await axe.run(document, {runOnly: rules, resultTypes: ["violations"]});
  return found.violations.map((violation) => ({
    rule: violation.id,
    help: violation.help,
    nodes: violation.nodes.map((node) => ({at: node.target.join(" "), why: node.failureSummary})),
  }));
}
"""


def violations(page: Page) -> list[str]:
    """Return what axe-core finds on the page as it is now.

    The script is evaluated from outside, so that the page's own policy stays as it is.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(RUN, RULES)
    return [
        f"{violation['rule']} ({violation['help']}) at {node['at']}: {node['why']}"
        for violation in found
        for node in violation["nodes"]
        if (violation["rule"], node["at"]) not in ALLOWED
    ]

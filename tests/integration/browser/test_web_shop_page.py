"""The page of the web shop, as a customer uses it: two reports, one cancelled, then a full queue."""

import pytest
from playwright.sync_api import expect

from tests.integration.client.shop import served


@pytest.fixture
def shop(page, airflow):
    with served(airflow) as url:
        page.goto(url)
        yield page


def generate(shop, name):
    """Press the button, and return the status of the answer and the box of the report."""
    shop.get_by_label("Shop").fill(name)
    with shop.expect_response("**/reports") as answer:
        shop.get_by_role("button", name="Generate report").click()
    return answer.value.status, shop.locator(".report").filter(has_text=name)


SEEN = """() => {
  globalThis.seen = [];
  const look = () => seen.push(...[...document.querySelectorAll(".text")].map((one) => one.textContent));
  new MutationObserver(look).observe(document.querySelector("#reports"), { characterData: true, childList: true, subtree: true });
}"""
"""Notes each text of a report: a month takes a second."""


def test_place_progress_result_cancel_and_refusal(shop, airflow, pictures):
    shop.evaluate(SEEN)
    _, first = generate(shop, "Harbour Street")
    shop.wait_for_function("seen.some((text) => text.startsWith('adding up'))")
    pictures(shop, "running")
    airflow.api.patch("/dags/sales_report", {"is_paused": True})  # what waits in the queue does not leave it
    _, second = generate(shop, "Market Square")
    expect(second).to_contain_text("place 1 in the queue")
    second.get_by_role("button", name="Cancel").click()
    expect(second).to_contain_text("cancelled in the shop")
    statuses = [generate(shop, f"Branch {number}.")[0] for number in range(11)]
    assert statuses == [202] * 10 + [429]
    expect(shop.locator("#refused")).to_contain_text("10 runs are queued, and queue.max_pending is 10")
    airflow.api.patch("/dags/sales_report", {"is_paused": False})
    expect(first).to_contain_text("12 months, ")

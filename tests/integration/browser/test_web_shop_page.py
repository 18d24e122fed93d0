"""The page of the web shop, as a customer uses it: two reports, one cancelled, then a full queue."""

import pytest
from playwright.sync_api import expect

from tests.integration.client.shop import served
from tests.sizes import patient

expect.set_options(timeout=patient(60_000))


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


def test_place_progress_result_cancel_and_refusal(shop, pictures):
    _, first = generate(shop, "Harbour Street")
    _, second = generate(shop, "Market Square")
    expect(second).to_contain_text("place 1 in the queue")
    expect(first).to_contain_text("adding up")
    pictures(shop, "running")
    second.get_by_role("button", name="Cancel").click()
    expect(second).to_contain_text("cancelled in the shop")
    numbers = range(30)  # more than the ten that may wait, and those that start meanwhile
    status = next(status for number in numbers if (status := generate(shop, f"Branch {number}.")[0]) != 202)
    assert status == 429
    expect(shop.locator("#refused")).to_contain_text("10 runs are queued, and queue.max_pending is 10")
    expect(first).to_contain_text("12 months, ")

"""Answering a survey and writing feedback in the mini-program, in a browser, against a stub of the API."""

import pytest
from playwright.sync_api import Page, expect

from tests.browsers import serious
from tests.messaging import until
from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import toast_says

pytestmark = pytest.mark.browser


def test_a_survey_is_answered_and_feedback_goes_back_and_forth(
    member_phone: Page, api: MemberApiStub
) -> None:
    page, stub = member_phone, api.surveys
    page.locator("#tabs").get_by_text("我的", exact=True).click()
    page.locator(".me-surveys").click()
    page.get_by_text("答完可得 20 积分").click()
    expect(page.get_by_text("匿名问卷")).to_be_visible()
    page.get_by_role("checkbox", name="味道").click()
    page.get_by_role("button", name="提交").click()
    toast_says(page, "请回答第 1 题")
    page.get_by_role("checkbox", name="服务").click()
    page.get_by_role("checkbox", name="价格").click()
    toast_says(page, "最多选 2 项")
    expect(page.get_by_role("checkbox", name="价格")).not_to_be_checked()
    page.get_by_role("radio", name="10").click()
    page.get_by_role("radio", name="9", exact=True).click()
    page.get_by_label("还想说什么？").get_by_role("textbox").fill("很好")
    assert serious(page) == []
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("获得 20 积分")).to_be_visible()
    [(_, body, key)] = stub.asked
    assert body == {
        "form_no": 2,
        "answers": [
            {"question": 1, "picks": [1, 3]},
            {"question": 2, "picks": [9]},
            {"question": 3, "text": "很好"},
        ],
    }
    assert key

    page.evaluate("wx.navigateTo({ url: '/pages/feedback/index' })")
    page.get_by_role("radio", name="门店").click()
    expect(page.get_by_role("radio", name="静安店")).to_be_checked()  # of the last purchase
    page.get_by_role("radio", name="徐汇店").click()
    page.get_by_role("textbox").fill("排队太久")
    assert serious(page) == []
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("待回复")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_value("")
    assert stub.asked[1][1] == {
        "category": "store",
        "body": "排队太久",
        "sale": None,
        "store": "S002",
    }

    stub.say("staff", "已加派人手")
    page.get_by_text("排队太久").click()
    expect(page.get_by_text("已加派人手")).to_be_visible()
    page.get_by_role("textbox").fill("谢谢")
    page.get_by_role("button", name="发送").click()
    expect(page.get_by_text("谢谢", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_value("")
    assert serious(page) == []
    until(lambda: stub.unread == 0)  # told after what was read is shown

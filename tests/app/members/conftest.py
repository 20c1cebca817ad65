"""WeChat's stand-in and phones without a token."""

from tests.chat_apps import (
    alice,
    running_sandbox,
    sandbox,
    visitor,
    wechat_app,
    whole_wechat_app,
)

__all__ = ["alice", "running_sandbox", "sandbox", "visitor", "wechat_app", "whole_wechat_app"]

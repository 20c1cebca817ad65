"""WeChat's stand-in, which draws mini-program codes."""

from tests.chat_apps import running_sandbox, sandbox, wechat_app, whole_wechat_app

__all__ = ["running_sandbox", "sandbox", "wechat_app", "whole_wechat_app"]

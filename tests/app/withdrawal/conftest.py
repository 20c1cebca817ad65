"""The product with WeChat set up."""

from tests.messaging import post, post_app, post_settings, served, unaudited_post, wechat, wechat_process

__all__ = ["post", "post_app", "post_settings", "served", "unaudited_post", "wechat", "wechat_process"]

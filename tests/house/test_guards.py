"""Closed unless opened: every route belongs to a blueprint that has a guard, or says why it needs none."""

from flask import Flask

from web.guards import is_guarded, open_blueprints


def test_every_route_is_guarded_or_declared_open(whole_app: Flask) -> None:
    for rule in whole_app.url_map.iter_rules():
        name, _, function = rule.endpoint.rpartition(".")
        assert function, f"{rule.rule} belongs to no blueprint"
        assert is_guarded(name) or name in open_blueprints(), rule.rule


def test_nothing_is_both_and_each_open_one_says_why(whole_app: Flask) -> None:
    for name, why in open_blueprints().items():
        assert not is_guarded(name)
        assert len(why) > 20, name


def test_a_guard_really_runs_before_each_guarded_blueprint(whole_app: Flask) -> None:
    for name in whole_app.blueprints:
        if is_guarded(name):
            assert whole_app.before_request_funcs[name], name


def test_the_open_ones_are_those_we_know_of(whole_app: Flask) -> None:
    """Opening one more is a decision: it is made here as well."""
    known = {
        "entry", "office_login", "health", "docs", "wechat_push", "static_files", "clerk_sign_in", "preview",
        "preview_entrance", "wechat_pay_notifications", "wechat_official_push", "sms_replies",
        "unsubscribe", "member_pictures",
    }  # fmt: skip
    assert set(open_blueprints()) & set(whole_app.blueprints) <= known

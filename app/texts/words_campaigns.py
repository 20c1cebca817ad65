"""What campaigns add to the words of their own. Part of `TEXTS`."""

CAMPAIGN_TEXTS: dict[str, tuple[str, str]] = {
    "campaign.test": ("【测试】{title}", "[Test] {title}"),
    "campaign.nameless": ("会员", "Member"),
    "campaign.product": ("店内好物", "something we think you'll like"),
    "email.unsubscribe": ("退订营销邮件：{link}", "Unsubscribe from marketing mail: {link}"),
    "entry.campaign": ("专属活动赠送", "A gift that came with a message"),
}

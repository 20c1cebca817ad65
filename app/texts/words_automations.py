"""What automations add to the words of the books. Part of `TEXTS`."""

AUTOMATION_TEXTS: dict[str, tuple[str, str]] = {
    "entry.automation": ("会员关怀赠送", "A gift for you"),
}

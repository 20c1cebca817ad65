"""Error code → (Chinese, English): what segments refuse."""

SEGMENT_ERRORS: dict[str, tuple[str, str]] = {
    "segment_malformed": (
        "人群规则有误，详见 reason。",
        "The rule of the segment does not fit together; see `reason`.",
    ),
    "segment_too_slow": (
        "人群计算超时，请简化条件或稍后再试。",
        "Finding out who is meant took too long. Ask for less, or try again later.",
    ),
    "segments_busy": (
        "当前计算人群的人较多，请几秒后再试。",
        "Other segments are being counted right now. Try again in a few seconds.",
    ),
    "segment_archived": (
        "该人群已归档，不能再修改或使用。",
        "This segment is archived. It can no longer be changed or used.",
    ),
    "segment_list_full": (
        "名单人数已达上限，请另建一个名单。",
        "The list is full. Make another one.",
    ),
}

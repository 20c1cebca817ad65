"""What is wrong with a field: the reading library's sentence → (Chinese, English).

`{…}` are bounds and choices, which are ours. What was sent is quoted nowhere.
"""

FIELD_FAULTS: dict[str, tuple[str, str]] = {
    "Missing data for required field.": ("必填。", "This field is required."),
    "Field may not be null.": ("不能为 null。", "Must not be null."),
    "Unknown field.": ("没有这个字段。", "There is no such field."),
    "Not a valid string.": ("须为文本。", "Must be text."),
    "Not a valid utf-8 string.": ("须为 UTF-8 文本。", "Must be UTF-8 text."),
    "Not a valid integer.": ("须为整数。", "Must be a whole number."),
    "Number too large.": ("数字过大。", "The number is too large."),
    "Not a valid boolean.": ("须为 true 或 false。", "Must be true or false."),
    "Not a valid date.": ("须为日期，如 2026-11-30。", "Must be a date such as 2026-11-30."),
    "Not a valid datetime.": (
        "须为带时区的时间，如 2026-11-30T16:00:00Z。",
        "Must be a time with its zone, such as 2026-11-30T16:00:00Z.",
    ),
    "Not a valid aware datetime.": (
        "时间须带时区，如 2026-11-30T16:00:00Z。",
        "The time needs its zone, such as 2026-11-30T16:00:00Z.",
    ),
    "Not a valid list.": ("须为列表。", "Must be a list."),
    "Not a valid mapping type.": ("须为 JSON 对象。", "Must be a JSON object."),
    "Invalid input type.": ("须为 JSON 对象。", "Must be a JSON object."),
    "Invalid type.": ("须为 JSON 对象。", "Must be a JSON object."),
    "Invalid value.": ("内容不正确。", "Not a valid value."),
    "Must be greater than or equal to {low} and less than or equal to {high}.": (
        "须在 {low} 到 {high} 之间。",
        "Must be between {low} and {high}.",
    ),
    "Length must be between {low} and {high}.": (
        "长度须在 {low} 到 {high} 之间。",
        "The length must be between {low} and {high}.",
    ),
    "Longer than maximum length {high}.": ("长度不能超过 {high}。", "The length must be at most {high}."),
    "Must be one of: {choices}.": ("只能是：{choices}。", "Must be one of: {choices}."),
    "Must be the id of a picture.": (
        "须为图片的 id（32 位十六进制）。",
        "Must be the id of a picture: 32 hexadecimal digits.",
    ),
    "Must be an hour as HH:MM.": (
        "须为 HH:MM 形式的时刻，如 09:30。",
        "Must be a time of day such as 09:30.",
    ),
    "Must not begin or end with a blank.": ("首尾不能有空格。", "Must not begin or end with a blank."),
    "Control characters are not allowed.": ("不能含有控制字符。", "Control characters are not allowed."),
    "Must be a code of a-z, 0-9, - and _.": (
        "只能用小写字母、数字、- 和 _，最多 24 个字符。",
        "Must be at most 24 of a-z, 0-9, - and _.",
    ),
    "A line stands twice.": ("同一商品行出现了两次。", "A line stands twice."),
    "Not together with lines.": ("不能与商品行同时填写。", "Not together with lines."),
    "Not together with a quote: it says so already.": (
        "报价中已有，不能与报价同时填写。",
        "Not together with a quote: it says so already.",
    ),
    "Too much for one sale.": ("单笔金额过大。", "Too much for one sale."),
    "A sale is voided as a whole.": ("作废只能整单进行。", "A sale is voided as a whole."),
    "Either template_id or claim_key.": (
        "template_id 和 claim_key 须填且只能填一个。",
        "Either template_id or claim_key, and not both.",
    ),
    "Must be at most 32 letters and digits.": (
        "只能用字母和数字，最多 32 个。",
        "Must be at most 32 letters and digits.",
    ),
    "A yes has no reason.": ("只有拒绝或撤回时才填写原因。", "Only a refusal has a reason."),
    "Must not be zero.": ("不能为零。", "Must not be zero."),
    "Must be a key of the template's, as thing1, of a type that can be filled in.": (
        "须为模板中的字段名，如 thing1，且类型可以填写。",
        "Must be a key of the template's, such as thing1, of a type that can be filled in.",
    ),
    "Must be a page of the mini-program, as pages/code/index.": (
        "须为小程序页面路径，如 pages/code/index。",
        "Must be a page of the mini-program, such as pages/code/index.",
    ),
    "Must be an id of WeChat's.": ("须为微信的模板 ID。", "Must be an id of WeChat's."),
    "Must be six digits.": ("须为 6 位数字。", "Must be six digits."),
}

#: For a sentence that is not above (there is none: tested), so that nothing foreign is handed on.
OTHER_FAULT = ("填写有误。", "Not right.")

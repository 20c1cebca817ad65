"""The words of the pages: key → (Chinese, English). Scripts find theirs in `data-` attributes of the page."""

import re
from collections.abc import Mapping

from consoles.coupon_texts import COUPONS
from consoles.quote_texts import QUOTES
from consoles.refusal_texts import REFUSALS
from web.language import language

_COUNTED = re.compile(r"(?P<value>\{(?P<name>\w+)\}) (?P<noun>\w+)\(s\)")

TEXTS: dict[str, tuple[str, str]] = {
    # on every page
    "page.skip": ("跳到主要内容", "Skip to the content"),
    "page.no_script": (
        "收银页需要 JavaScript。请在浏览器设置中启用后重新载入。",
        "The till needs JavaScript. Please switch it on in the browser and reload.",
    ),
    "page.close": ("关闭", "Close"),
    # the link in advertising mail
    "unsubscribe.title": ("退订营销邮件", "Unsubscribe"),
    "unsubscribe.ask": ("不再接收我们的营销邮件？", "No more marketing mail from us?"),
    "unsubscribe.yes": ("确认退订", "Unsubscribe"),
    "unsubscribe.done": (
        "已退订，您不会再收到我们的营销邮件。",
        "Done. You will get no more marketing mail from us.",
    ),
    # signing in
    "sign_in.title": ("收银台登录", "Sign in at the till"),
    "sign_in.store": ("门店编号", "Store code"),
    "sign_in.terminal": ("收银台编号", "Till code"),
    "sign_in.place_hint": (
        "请向店长询问编号（例如 S001 和 T1）。登录一次后，本机会记住。",
        "Ask your manager for the codes, such as S001 and T1. This device remembers them after the first sign-in.",
    ),
    "sign_in.login": ("账号", "Login"),
    "sign_in.password": ("密码", "Password"),
    "sign_in.button": ("登录", "Sign in"),
    "sign_in.wrong": ("账号或密码不正确。", "Login or password is not right."),
    "sign_in.too_many": (
        "尝试次数过多，请在 {minutes} 分钟后再试。",
        "Too many attempts. Please try again in {minutes} minute(s).",
    ),
    "sign_in.no_till": (
        "没有这个收银台，或已停用，或您没有在那里收银的权限。请核对门店编号和收银台编号，或联系店长。",
        "There is no such till, it is not in use, or you may not sell there. Please check the store code and the till"
        " code, or ask your manager.",
    ),
    "sign_in.may_not_sell": (
        "您的账号没有收银权限，不能在收银台登录。如需收银，请联系店长。",
        "Your account may not sell, so it cannot sign in at a till. If you should, ask your manager.",
    ),
    "sign_in.password_expired": (
        "临时密码已过期，请联系店长重置密码。",
        "The temporary password has expired. Please ask your manager for a new one.",
    ),
    "sign_in.session_over": (
        "登录已失效，请重新登录。",
        "You are no longer signed in. Please sign in again.",
    ),
    "sign_in.sale_over": (
        "登录已失效，请重新登录。刚才这次提交没有记录。如果同一笔之前已提交过、只是没有收到答复，"
        "那一次可能已经记录，请先核对，再重新收款。",
        "You are no longer signed in; please sign in again. The sale just sent was not recorded. If you had sent it"
        " before and got no answer, that first try may have been recorded: check before you enter it again.",
    ),
    "sign_in.insecure": (
        "这个页面不是通过 HTTPS 打开的，密码可能被他人看到，摄像头也无法使用，因此不能登录。"
        "请改用以 https:// 开头的地址。",
        "This page was not opened over HTTPS: others could read the password, and the camera would not work."
        " So signing in is off. Please use the address that begins with https://.",
    ),
    # one's own password
    "password.title": ("设置登录密码", "Set your password"),
    "password.change": ("修改密码", "Change my password"),
    "password.first": (
        "{name}，您好！您现在用的是临时密码，请先设置自己的密码，再开始收银。",
        "Hello {name}. You signed in with a temporary password. Set one of your own before you begin.",
    ),
    "password.elsewhere": (
        "修改后，您在其他设备上的登录会全部退出。",
        "After the change you are signed out everywhere else.",
    ),
    "password.temporary": ("临时密码", "Temporary password"),
    "password.current": ("当前密码", "Current password"),
    "password.new": ("新密码", "New password"),
    "password.again": ("再输一次新密码", "New password again"),
    "password.rule": (
        "至少 {shortest} 个字符，不能包含您的账号，也不要只用几个重复的字符。",
        "At least {shortest} characters, without your login, and not the same few over and over.",
    ),
    "password.button": ("保存并开始收银", "Save and go to the till"),
    "password.save": ("保存", "Save"),
    "password.differ": ("两次输入的新密码不一致。", "The two new passwords are not the same."),
    "password.wrong": ("{former}不正确。", "{former} is not right."),
    "password.unchanged": (
        "新密码不能与{former}相同。",
        "{former} and new password are the same. Choose another one.",
    ),
    "password.too_weak": (
        "这个密码太简单，请换一个：至少 10 个字符，不含账号，并使用不同的字符。",
        "This password is too simple. Use at least 10 characters, without your login, and more different ones.",
    ),
    # one's own PIN
    "pin.title": ("设置收银 PIN", "Set my register PIN"),
    "pin.why": (
        "在收银机上办理退货、退款时，凭 PIN 确认是您本人。请勿告诉他人。",
        "At a register the PIN shows that a refund is yours. Tell nobody.",
    ),
    "pin.new": ("新 PIN", "New PIN"),
    "pin.again": ("再输一次新 PIN", "New PIN again"),
    "pin.rule": ("6 位数字，不要太简单。", "Six digits, and not too simple."),
    "pin.differ": ("两次输入的 PIN 不一致。", "The two PINs are not the same."),
    "pin.too_weak": (
        "这个 PIN 太简单，请换一个：6 位数字，至少含 3 个不同的数字，且不能是连续数字。",
        "This PIN is too simple. Use six digits, three different ones at least, and not one after the other.",
    ),
    # the till
    "till.title": ("收银台", "Till"),
    "till.sign_out": ("退出", "Sign out"),
    "till.offline": (
        "网络已断开。请检查网络，恢复后再继续。",
        "No network. Please check the connection before you go on.",
    ),
    "ready.heading": ("请扫会员码", "Scan the member code"),
    "ready.hint": (
        "用扫码枪直接扫，或用摄像头，也可以输入会员码下方的 {length} 位数字。",
        "Use the scanner gun, the camera, or type the {length} digits below the code.",
    ),
    "ready.code": ("会员码", "Member code"),
    "ready.submit": ("查询", "Look up"),
    "ready.camera": ("摄像头扫码", "Use the camera"),
    "ready.guest": ("非会员结账", "Sale without member"),
    "ready.or": ("或", "or"),
    # the camera
    "camera.title": ("摄像头扫码", "Scan with the camera"),
    "camera.hint": ("将会员码对准取景框", "Hold the member code inside the frame"),
    "camera.starting": ("正在打开摄像头……", "Opening the camera …"),
    "camera.torch": ("手电筒", "Light"),
    "camera.switch": ("切换摄像头", "Other camera"),
    "camera.denied": (
        "浏览器没有使用摄像头的权限。请在地址栏旁的网站设置中允许摄像头，然后重试。"
        "也可以用扫码枪，或输入数字。",
        "The browser may not use the camera. Allow it in the site settings beside the address, then try again."
        " The scanner gun and typing work as well.",
    ),
    "camera.none": (
        "没有找到摄像头。请用扫码枪，或输入数字。",
        "No camera was found. Please use the scanner gun, or type the digits.",
    ),
    "camera.busy": (
        "摄像头打不开，可能正被其他程序占用。请用扫码枪，或输入数字。",
        "The camera does not open; another program may be using it. Please use the scanner gun, or type the digits.",
    ),
    "camera.insecure": (
        "只有通过 HTTPS 打开的页面才能使用摄像头。请用扫码枪，或输入数字。",
        "Browsers open the camera only on HTTPS pages. Please use the scanner gun, or type the digits.",
    ),
    "camera.broken": (
        "识别程序没有载入，请检查网络后重试。也可以用扫码枪，或输入数字。",
        "The code reader did not load. Check the network and try again, or use the scanner gun or type the digits.",
    ),
    # a member, a sale
    "sale.ok": ("会员有效", "Member confirmed"),
    "pick_up.waiting": ("待领取的兑换商品", "Rewards to hand over"),
    "pick_up.hand_over": ("交付", "Hand over"),
    "pick_up.done": ("已交付：{name}", "Handed over: {name}"),
    "check_in.waiting": ("今天的活动报名", "Booked for today"),
    "check_in.let_in": ("签到", "Check in"),
    "check_in.done": ("已签到：{title}（{seats} 人）", "Checked in: {title} ({seats})"),
    "sale.guest": ("非会员结账", "Sale without member"),
    "sale.guest.hint": (
        "这笔不积分。顾客这时出示会员码，直接扫即可，金额会保留。",
        "No points are earned. If the customer shows a code now, just scan it: the amount stays.",
    ),
    "member.unnamed": ("未填姓名", "No name given"),
    "member.points": ("积分", "Points"),
    "member.balance": ("储值余额", "Balance"),
    "sale.amount": ("商品金额（元）", "Amount (yuan)"),
    "sale.amount.missing": ("请输入金额。", "Please enter the amount."),
    "sale.amount.refused": (
        "请输入元为单位的金额，最多两位小数，不超过 1000 万元，例如 12 或 12.50。",
        "Enter yuan with at most two decimals, up to ten million, such as 12 or 12.50.",
    ),
    "sale.amount.zero": (
        "这里不能记录 0 元的销售。请输入商品金额；没有销售请取消。",
        "A sale of ¥0.00 cannot be recorded here. Enter the amount; if nothing was sold, cancel.",
    ),
    "sale.receipt_no": ("小票号", "Receipt number"),
    "sale.receipt_no.hint": (
        "已自动生成，可改成收银机小票上的号码。",
        "Made for you; change it to the one on your slip.",
    ),
    "sale.receipt_no.missing": ("请输入小票号。", "Please enter the receipt number."),
    "sale.receipt_no.used": (
        "本店已有这个小票号的销售记录。请核对；如是另一笔，请换一个号码。",
        "This store has a sale with this receipt number. Check it; if this is another sale, use another number.",
    ),
    "sale.cancel": ("取消", "Cancel"),
    "sale.change": ("换一位会员", "Another member"),
    "sale.add": ("补扫会员码", "Scan a member code"),
    "sale.scan_over": (
        "会员的扫码已失效，这笔还没有记录。请会员重新出示会员码再扫一次（金额已保留），或按非会员结账。",
        "The member's scan is no longer good and nothing was recorded. Scan a new code (the amount is kept),"
        " or go on without member.",
    ),
    "sale.drop.title": ("放弃这笔销售？", "Drop this sale?"),
    "sale.drop.text": (
        "还没有记录。放弃后，会员需要重新出示会员码。",
        "Nothing has been recorded. The member will have to show a new code.",
    ),
    "sale.drop.guest": (
        "还没有记录。放弃后，已输入的金额不会保留。",
        "Nothing has been recorded. The amount you typed will be gone.",
    ),
    "sale.drop.unclear": (
        "刚才没有收到确定的答复，这笔可能已经记录。请先点“再试一次”：没有记录就会记录，已经记录就显示小票，只会记录一次。"
        "如果放弃，请先核对，再重新收款。",
        "There was no clear answer: this sale may have been recorded. Press “Try again” first: it is recorded if it was"
        " not, and once only; then you see the receipt. If you drop it, check before you enter it again.",
    ),
    "sale.drop.yes": ("放弃", "Drop it"),
    "sale.drop.no": ("继续结账", "Go on with the sale"),
    "sale.replace.title": ("换成另一位会员？", "Change to another member?"),
    "sale.replace.text": (
        "刚扫到了另一个会员码。输入的金额会保留。",
        "Another member code was scanned. The amount you typed stays.",
    ),
    "sale.replace.yes": ("换会员", "Change member"),
    "sale.replace.no": ("保持不变", "Keep the member"),
    # the receipt
    "receipt.done": ("收款成功", "Sale recorded"),
    "receipt.title": ("消费小票", "Receipt"),
    "receipt.till": ("收银台", "Till"),
    "receipt.clerk": ("收银员", "Clerk"),
    "receipt.no": ("小票号", "Receipt no."),
    "receipt.at": ("时间", "Time"),
    "receipt.goods": ("商品金额", "Goods"),
    "receipt.discount": ("优惠", "Discount"),
    "receipt.amount": ("合计", "Total"),
    "receipt.taken": ("实收 {amount}", "Taken in: {amount}"),
    "receipt.spent": ("使用积分", "Points spent"),
    "receipt.balance": ("储值余额", "Balance left"),
    "receipt.earned": ("本次积分", "Points earned"),
    "receipt.gained": ("+{points} 积分", "+{points} point(s)"),
    "receipt.after": ("可用积分", "Points available"),
    "receipt.pending": ("待生效积分", "Points pending"),
    "receipt.pending_from": ("最早可用日期", "The first from"),
    "receipt.guest": ("非会员，本次不积分", "No member, no points earned"),
    "receipt.thanks": ("谢谢惠顾", "Thank you"),
    "receipt.print": ("打印小票", "Print"),
    "receipt.next": ("下一位顾客", "Next customer"),
    **QUOTES,
    **COUPONS,
    **REFUSALS,
}


def t(key: str, **values: object) -> str:
    """The text in the language of the request, with its values filled in. Raises `KeyError` for an unknown key.

    `{points} point(s)` becomes `1 point` or `2 points`.
    """
    text = TEXTS[key][language() == "en"]
    return _COUNTED.sub(lambda found: _counted(found, values), text).format(**values)


def _counted(found: re.Match[str], values: Mapping[str, object]) -> str:
    return f"{found['value']} {found['noun']}{'' if str(values[found['name']]) == '1' else 's'}"


def has_text(key: str) -> bool:
    return key in TEXTS

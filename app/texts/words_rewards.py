"""The rewards mall: why something cannot be had, and what its movements are called. Key → (Chinese, English)."""

REWARD_TEXTS: dict[str, tuple[str, str]] = {
    "reward.not_yet": ("尚未开始", "Not to be had yet"),
    "reward.over": ("已结束", "No longer to be had"),
    "reward.used_up": ("已兑完", "None left"),
    "reward.limit": ("已达兑换上限", "No more for one member"),
    "reward.points": ("还差 {points:,} 积分", "Points still needed: {points:,}"),
    "reward.balance": ("储值还差 {fen}", "Stored value still needed: {fen}"),
    "entry.exchange": ("积分兑换", "Exchanged for a reward"),
    "entry.exchange_undone": ("取消兑换返还", "Given back for an exchange undone"),
    "balance.exchange.principal": ("积分换购（本金）", "Paid with an exchange, from principal"),
    "balance.exchange.bonus": ("积分换购（赠金）", "Paid with an exchange, from bonus"),
    "balance.exchange_undone.principal": ("取消换购返还（本金）", "Exchange undone: back to principal"),
    "balance.exchange_undone.bonus": ("取消换购返还（赠金）", "Exchange undone: back to bonus"),
}

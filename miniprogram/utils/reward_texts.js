/** How items of the mall and exchanges are worded, for the three pages that show them. */
const { grouped, lastDay, minute, yuan } = require('./format.js');
const { pictureUrl } = require('./http.js');
const { texts, fill, withPoints } = require('../i18n/index.js');

/** `100 points + ¥5.00`. @param {number} points @param {number | null} cashFen */
function price(points, cashFen) {
  const part = withPoints(points, grouped(points));
  return cashFen ? `${part} + ¥${yuan(cashFen)}` : part;
}

/** `Up to 500`, `501–2,000`, `2,001+`. @param {import('./api.js').Band} band */
function bandView({ points_from: from, points_to: to }) {
  const t = texts();
  const label =
    to === null
      ? fill(t.bandFrom, { from: grouped(from) })
      : from > 0
        ? `${grouped(from)}–${grouped(to)}`
        : fill(t.bandTo, { to: grouped(to) });
  return { id: `${from}-${to}`, points_from: from, points_to: to, label };
}

/** @param {import('./api.js').Reward} reward */
function itemView(reward) {
  const t = texts();
  const few = reward.left === null ? '' : fill(reward.kind === 'coupon' ? t.couponsLeft : t.rewardLeft, { n: grouped(reward.left) });
  return {
    ...reward,
    picture: pictureUrl(reward.picture_url),
    price: price(reward.points, reward.cash_fen),
    full: reward.full_points === null ? '' : price(reward.full_points, reward.full_cash_fen),
    note: reward.text || few,
  };
}

/** What there is to know of an exchange now. @param {import('./api.js').RewardOrder} order */
function standing(order) {
  const t = texts();
  if (order.state === 'handed_over') return fill(t.rewardHandedOver, { at: minute(String(order.handed_over_at)) });
  if (order.state === 'pending') return fill(t.toBePaid, { at: minute(String(order.pay_until)) });
  if (order.state === 'cancelled') {
    if (order.money_back) return order.money_back === 'refunded' ? t.moneyRefunded : t.moneyRefunding;
    if (order.cancelled_for === 'unpaid') return t.rewardUnpaid;
    return order.cancelled_for === 'expired' ? t.rewardExpired : t.rewardCancelled;
  }
  if (order.state === 'given') return t.rewardGiven;
  return fill(t.rewardWaits, { store: String(order.store_name), date: lastDay(String(order.collect_by)) });
}

/** @param {import('./api.js').RewardOrder} order */
function orderView(order) {
  return {
    id: order.id,
    name: order.name,
    price: price(order.points, order.cash_fen),
    at: fill(texts().rewardOrderedAt, { at: minute(order.ordered_at) }),
    standing: standing(order),
    ready: order.state === 'ready',
    pending: order.state === 'pending',
    undo: order.undo_until !== null || order.state === 'pending',
  };
}

module.exports = { price, bandView, itemView, orderView };

/** How coupons look, in the wallet and in the centre. */
const { texts, fill } = require('../i18n/index.js');
const { overText } = require('./claim_link.js');
const { day, grouped, minute, wholeDates } = require('./format.js');
const { pictureUrl } = require('./http.js');

/** @typedef {import('./api.js').Coupon} Coupon */
/** @typedef {import('./api.js').Claimable} Claimable */

/** For good; the other reasons are about now, or the store. */
/** @param {string | null} reason */
const isOver = (reason) => ['used', 'ended', 'recalled', 'exchange_cancelled'].includes(String(reason));

/** @param {Coupon} coupon */
function heldView(coupon) {
  const t = texts();
  const { reason, reason_text, ends_soon, uses, uses_left, valid_through } = coupon;
  const begins = reason === 'not_yet';
  return {
    id: coupon.id,
    name: coupon.name,
    picture: pictureUrl(coupon.picture_url),
    effect: coupon.effect,
    left: uses > 1 ? fill(t.usesLeft, { left: uses_left, uses }) : '',
    validity: wholeDates(
      begins
        ? fill(t.validFrom, { from: day(coupon.valid_from), date: valid_through })
        : fill(t.validThrough, { date: valid_through }),
    ),
    note: '',
    tag: reason_text || (ends_soon ? t.endsSoon : ''),
    urgent: !reason && ends_soon,
    faded: reason !== null && !begins,
  };
}

/** @param {Claimable} item */
function claimableView(item) {
  const t = texts();
  const limits = [];
  if (item.left !== null && item.left > 0) limits.push(fill(t.leftOf, { left: grouped(item.left) }));
  if (item.per_member) limits.push(fill(t.perMember, { n: item.per_member }));
  if (item.per_member_a_day) limits.push(fill(t.perDay, { n: item.per_member_a_day }));
  if (item.claim_from && item.reason === 'not_yet') limits.push(fill(t.claimBegins, { at: minute(item.claim_from) }));
  else if (item.claim_until) limits.push(fill(t.claimEnds, { at: minute(item.claim_until) }));
  return {
    id: item.template_id,
    name: item.name,
    picture: pictureUrl(item.picture_url),
    effect: item.effect,
    left: '',
    validity: wholeDates(item.validity),
    note: wholeDates(limits.join(' · ')),
    tag: item.reason_text || '',
    urgent: false,
    faded: !item.claimable,
    claimable: item.claimable,
    over: overText(item),
    rules: item.terms ? [...item.rules, item.terms] : item.rules,
  };
}

module.exports = { heldView, claimableView, isOver };

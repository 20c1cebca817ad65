/** In which store coupons are to be used: the one chosen on this phone, else where the member is at home. */
const { asApiError } = require('./http.js');
const session = require('./session.js');

/** @typedef {import('./api.js').Store} Store */

const STORE = 'coupon_store';

/** @returns {Store | null} null: in none in particular */
function couponStore() {
  const chosen = wx.getStorageSync(STORE);
  if (chosen) return chosen.store ? chosen : null;
  const member = session.knownMember();
  return (member && member.home_store) || null;
}

/** @param {Store | null} store */
function chooseCouponStore(store) {
  wx.setStorageSync(STORE, store || { store: '', name: '' });
}

/**
 * Asks for that store; if it is not there any more, for none in particular from now on.
 * @template T
 * @param {(store: string | null) => Promise<T>} ask
 * @returns {Promise<T>}
 */
async function inCouponStore(ask) {
  const here = couponStore();
  try {
    return await ask(here && here.store);
  } catch (problem) {
    if (!here || asApiError(problem).code !== 'not_found') throw problem;
    const answer = await ask(null);
    chooseCouponStore(null);
    return answer;
  }
}

module.exports = { couponStore, chooseCouponStore, inCouponStore };

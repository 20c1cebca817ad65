/** Paying for a top-up, and for the money part of an exchange. What the phone says is a hint: only the server knows whether it was paid. */
const api = require('./api.js');

/** @typedef {'credited' | 'unsure' | 'cancelled' | 'failed'} Outcome */

/** How often the server is asked whether WeChat Pay has told it, a second apart. */
const LOOKS = 8;

/** @param {number} seconds @returns {Promise<void>} */
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** @param {import('./api.js').Payment} payment @returns {Promise<'ok' | 'cancelled' | 'failed'>} */
function request(payment) {
  return new Promise((resolve) => {
    wx.requestPayment({
      ...payment,
      success: () => resolve('ok'),
      fail: ({ errMsg }) => resolve(/cancel/.test(errMsg) ? 'cancelled' : 'failed'),
    });
  });
}

/** @param {() => Promise<boolean>} isPaid @returns {Promise<Outcome>} */
async function untilPaid(isPaid) {
  for (let look = 0; look < LOOKS; look += 1) {
    if (await isPaid()) return 'credited';
    await pause(1);
  }
  return 'unsure';
}

/**
 * Orders, pays, and waits until it is credited. Put away, the order is closed, so that it stands in nobody's way.
 * @param {number} amountFen
 * @param {number | null} offerId
 * @returns {Promise<Outcome>}
 */
async function payFor(amountFen, offerId) {
  const { id, payment } = await api.orderTopUp(amountFen, offerId);
  const said = await request(payment);
  if (said === 'ok') return untilPaid(async () => (await api.topUp(id)).state === 'credited');
  const { state } = await api.closeTopUp(id);
  return state === 'credited' ? 'credited' : said;
}

/**
 * Pays an exchange that waits for it, and waits until it is complete. Put away, it still waits: it can be paid later.
 * @param {string} id
 * @returns {Promise<Outcome>}
 */
async function payReward(id) {
  const { payment } = await api.rewardPayment(id);
  const said = await request(payment);
  return said === 'ok' ? untilPaid(async () => (await api.rewardOrder(id)).state !== 'pending') : said;
}

module.exports = { payFor, payReward };

/** Paying for a top-up. What the phone says is a hint: only the server knows whether it was paid. */
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

/** @param {string} id @returns {Promise<Outcome>} */
async function untilCredited(id) {
  for (let look = 0; look < LOOKS; look += 1) {
    const { state } = await api.topUp(id);
    if (state === 'credited') return 'credited';
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
  if (said === 'ok') return untilCredited(id);
  const { state } = await api.closeTopUp(id);
  return state === 'credited' ? 'credited' : said;
}

module.exports = { payFor };

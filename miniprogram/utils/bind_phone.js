/** What the button for the phone number brings: the number is bound, or the page says why not. */
const api = require('./api.js');
const { texts } = require('../i18n/index.js');

/**
 * @param {WechatMiniprogram.ButtonGetPhoneNumber} event without a code the member has said no
 * @returns {Promise<boolean>} whether the number is bound now
 */
async function boundBy({ detail: { code } }) {
  if (!code) return false;
  try {
    await api.bindPhone(code);
    wx.showToast({ title: texts().phoneBound, icon: 'none' });
    return true;
  } catch (problem) {
    wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
    return false;
  }
}

module.exports = { boundBy };

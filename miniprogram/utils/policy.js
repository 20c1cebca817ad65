/**
 * The policy is a web page. Opening one inside a mini-program needs a verified business domain, so its address is
 * copied instead, which works for every shop.
 */
const api = require('./api.js');
const { SERVER } = require('../config.js');
const { texts } = require('../i18n/index.js');

/** Whether the shop has published one. @returns {Promise<boolean>} */
async function hasPolicy() {
  const { policy_url } = await api.config();
  return Boolean(policy_url);
}

/** @returns {Promise<void>} */
async function openPolicy() {
  try {
    const { policy_url } = await api.config();
    if (!policy_url) return;
    const address = policy_url.startsWith('/') ? SERVER + policy_url : policy_url;
    wx.setClipboardData({
      data: address,
      success: () => wx.showToast({ title: texts().linkCopied, icon: 'none' }),
    });
  } catch (problem) {
    wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
  }
}

module.exports = { hasPolicy, openPolicy };

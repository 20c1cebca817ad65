/** Asking for permission to send WeChat notifications. Must be called from a tap, or WeChat refuses. */
const api = require('./api.js');
const { texts } = require('../i18n/index.js');

/**
 * @typedef {import('./api.js').WorthAsking} WorthAsking
 * @typedef {{title: string, body: string, items: WorthAsking[]}} Question what to offer, in words
 */

/** WeChat's number for: the person has switched off all notifications of this mini-program. */
const SWITCHED_OFF = 20004;

/**
 * Fetched ahead, so that nothing stands between the tap and WeChat's question.
 * @param {'after_sale' | 'joined' | 'coupons' | 'rewards' | 'any'} at
 * @returns {Promise<Question | null>} null: there is nothing worth asking for now
 */
async function questionAt(at) {
  const { items } = await api.worthAsking(at);
  if (items.length === 0) return null;
  const t = texts();
  if (items.every(({ kind }) => kind === 'receipt')) return { title: t.tellMe, body: t.tellMeBody, items };
  const names = items.map(({ kind, name }) => (kind === 'receipt' ? t.tellReceipts : name));
  return { title: t.tellMore, body: names.join(t.tellMoreAnd), items };
}

/**
 * The same for a page to show; without an answer there is nothing to offer.
 * @param {Parameters<typeof questionAt>[0]} at
 */
const offerAt = (at) =>
  questionAt(at).catch((problem) => {
    console.info('not asked what to ask for:', api.asApiError(problem).code);
    return null;
  });

/** @param {string} title */
const tell = (title) => wx.showToast({ title, icon: 'none' });

/** What was answered is a hint when to ask again: that it gets lost is no fault. @param {Record<string, string>} answers */
function report(answers) {
  const results = Object.entries(answers).map(([template_id, outcome]) => ({ template_id, outcome }));
  return api.reportAsked(results).catch((problem) => {
    console.info('answers not reported:', api.asApiError(problem).code);
  });
}

/** @param {Question} question @returns {Promise<unknown>} when it has been answered and reported */
function ask({ items }) {
  const t = texts();
  const tmplIds = items.map(({ template_id }) => template_id);
  const accepted = items.every(({ kind }) => kind === 'receipt') ? t.tellMeDone : t.tellMoreDone;
  return new Promise((resolve) => {
    wx.requestSubscribeMessage({
      tmplIds,
      success: (said) => {
        const answers = Object.fromEntries(tmplIds.filter((id) => said[id]).map((id) => [id, said[id]]));
        tell(Object.values(answers).some((one) => one.startsWith('accept')) ? accepted : t.tellMeRefused);
        resolve(report(answers));
      },
      fail: ({ errCode }) => {
        tell(t.tellMeRefused);
        resolve(errCode === SWITCHED_OFF ? report(Object.fromEntries(tmplIds.map((id) => [id, 'reject']))) : null);
      },
    });
  });
}

module.exports = { offerAt, ask };

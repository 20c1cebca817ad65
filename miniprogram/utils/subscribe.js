/** Asking for permission to send one WeChat notification. Must be called from a tap, or WeChat refuses. */
const api = require('./api.js');
const { texts } = require('../i18n/index.js');

const KIND = 'receipt';

/** @type {string[]} */
let templateIds = [];

/**
 * Fetches the template ids ahead, so that nothing stands between the tap and WeChat's question.
 * @returns {Promise<boolean>} false when the shop has no such template: then there is nothing to offer
 */
async function canAsk() {
  const { subscribe_templates } = await api.config();
  templateIds = subscribe_templates.filter(({ kind }) => kind === KIND).map((one) => one.template_id);
  return templateIds.length > 0;
}

/** @param {string} title */
const tell = (title) => wx.showToast({ title, icon: 'none' });

async function askForReceipts() {
  const t = texts();
  try {
    if (templateIds.length === 0 && !(await canAsk())) return;
  } catch (problem) {
    tell(api.asApiError(problem).message);
    return;
  }
  wx.requestSubscribeMessage({
    tmplIds: templateIds,
    success: (answers) => {
      const accepted = templateIds.some((id) => answers[id] === 'accept');
      tell(accepted ? t.tellMeDone : t.tellMeRefused);
    },
    fail: () => tell(t.tellMeRefused),
  });
}

module.exports = { canAsk, askForReceipts };

/** A till that wants to spend stored value asks the member first. What waits for an answer, and answering. */
const api = require('./api.js');

/** @typedef {import('./api.js').Asked} Asked */
/** @typedef {'agreed' | 'declined' | 'ended'} Outcome */

/** Of the question answered last; whatever is not newer was asked before that answer, and is no question any more. */
const ANSWERED = 'confirmation_answered';

/** @returns {Promise<Asked | null>} the newest question */
async function newestQuestion() {
  const { items } = await api.confirmations();
  const answered = wx.getStorageSync(ANSWERED) || '';
  return items.find(({ id }) => id > answered) || null;
}

/** @type {Record<string, Outcome>} */
const OUTCOMES = { confirmed: 'agreed', declined: 'declined' };

/** Refusals that say that nobody waits for this answer any more. */
const ENDED = ['quote_expired', 'not_found'];

/**
 * @param {Asked} asked
 * @param {boolean} agree
 * @returns {Promise<Outcome>} what holds now; an answer given before stands
 */
async function answer({ id }, agree) {
  const outcome = await api.confirm(id, agree).then(
    ({ confirmation }) => OUTCOMES[confirmation],
    (problem) => {
      const { code, data } = api.asApiError(problem);
      if (ENDED.includes(code)) return /** @type {Outcome} */ ('ended');
      if (code === 'confirmation_decided') return OUTCOMES[data.confirmation];
      throw problem;
    },
  );
  wx.setStorageSync(ANSWERED, id);
  return outcome;
}

module.exports = { newestQuestion, answer };

/** The page that a campaign's message opens names the campaign: the member center counts who came by it. */
const api = require('./api.js');
const session = require('./session.js');

const ID = /^[0-9A-Z]{26}$/;

/**
 * Nobody waits for it, and it is not asked again: it is a count, and the page is shown all the same.
 * @param {{campaign?: string}} query
 * @returns {Promise<void>}
 */
async function tell({ campaign = '' }) {
  if (!ID.test(campaign) || !session.token()) return;
  await api.campaignOpened(campaign).catch(() => {});
}

module.exports = { tell };

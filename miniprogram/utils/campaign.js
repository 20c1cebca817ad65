/** The page that a message opens names the campaign or the automation: the member center counts who came by it. */
const api = require('./api.js');
const session = require('./session.js');

const ID = /^[0-9A-Z]{26}$/;
const NUMBER = /^[1-9][0-9]{0,17}$/;

/**
 * Nobody waits for it, and it is not asked again: it is a count, and the page is shown all the same.
 * @param {{campaign?: string, automation?: string}} query
 * @returns {Promise<void>}
 */
async function tell({ campaign = '', automation = '' }) {
  if (!session.token()) return;
  if (ID.test(campaign)) await api.campaignOpened(campaign).catch(() => {});
  if (NUMBER.test(automation)) await api.automationOpened(automation).catch(() => {});
}

module.exports = { tell };

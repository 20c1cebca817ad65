const campaign = require('./utils/campaign.js');
const invite = require('./utils/invite.js');

App({
  /**
   * Also when it was open already: somebody may have scanned an invite or tapped on a message meanwhile.
   * @param {{path?: string, query?: Record<string, string>}} options
   */
  onShow({ path = '', query = {} }) {
    invite.hear(path, query);
    campaign.tell(query);
  },
});

/** The coupon somebody came for: by a picture, whose `scene` is the claim key itself, or a link, whose `key` is. */
const { sceneIn } = require('./scene.js');
const { texts } = require('../i18n/index.js');

const PAGE = 'pages/coupon_centre/index';

/** Empty: the whole coupon centre. @param {{scene?: string, key?: string}} query */
const claimKeyIn = (query) => query.key || sceneIn(query);

/**
 * What a link says that has nothing to give any more, to anybody; empty while it has.
 * @param {Pick<import('./api.js').Claimable, 'reason'>} item
 */
function overText({ reason }) {
  const t = texts();
  if (reason === 'over') return t.linkEnded;
  return reason === 'used_up' ? t.linkUsedUp : '';
}

module.exports = { PAGE, claimKeyIn, overText };

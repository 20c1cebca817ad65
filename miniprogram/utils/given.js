/** What an activity gives, in words. */
const { texts, fill, withPoints } = require('../i18n/index.js');
const { grouped } = require('./format.js');

/** Empty for nothing. @param {import('./api.js').Given} given */
function givenText({ points, coupons, chances }) {
  const t = texts();
  const words = [];
  if (points) words.push(withPoints(points, grouped(points)));
  if (coupons) words.push(fill(t.givenCoupons, { n: coupons }));
  if (chances) words.push(fill(t.givenChances, { n: chances }));
  return words.join(t.givenAnd);
}

module.exports = { givenText };

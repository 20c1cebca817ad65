const test = require('node:test');
const assert = require('node:assert/strict');

const stored = new Map();
globalThis.wx = {
  getStorageSync: (key) => stored.get(key) || '',
  setStorageSync: (key, value) => stored.set(key, value),
  removeStorageSync: (key) => stored.delete(key),
  getAppBaseInfo: () => ({ language: 'zh_CN' }),
};

const { sceneIn } = require('../../../miniprogram/utils/scene.js');
const invite = require('../../../miniprogram/utils/invite.js');
const claims = require('../../../miniprogram/utils/claim_link.js');

const CODE = '7QK2M4XW9A';
const KEY = 'Kk0-_Kk0-_Kk0-_Kk0-_Kk0-_Kk0-_Kk';

test.beforeEach(() => stored.clear());

test('a scene comes encoded, and one that is broken is taken as it is', () => {
  assert.equal(sceneIn({ scene: encodeURIComponent('k=1&x:~') }), 'k=1&x:~');
  assert.equal(sceneIn({ scene: '%E4%B' }), '%E4%B');
  assert.equal(sceneIn({}), '');
});

test('a claim key comes by the scene of a picture or by a link, as long as a scene may be', () => {
  assert.equal(KEY.length, 32);
  assert.equal(claims.claimKeyIn({ scene: encodeURIComponent(KEY) }), KEY);
  assert.equal(claims.claimKeyIn({ key: KEY }), KEY);
  assert.equal(claims.claimKeyIn({}), '');
});

test('an invite is heard on its own page only, be it as long as a claim key or not', () => {
  assert.equal(invite.hear(claims.PAGE, { scene: CODE }), '');
  assert.equal(invite.hear(claims.PAGE, { scene: KEY }), '');
  assert.equal(invite.hear(invite.PAGE, { scene: KEY }), '');
  assert.equal(invite.heard(), '');
  assert.equal(invite.hear(invite.PAGE, { scene: CODE }), CODE);
  assert.equal(invite.heard(), CODE);
});

test('a link with nothing to give any more says what became of it', () => {
  assert.equal(claims.overText({ reason: 'over' }), '这张券的领取已结束');
  assert.equal(claims.overText({ reason: 'used_up' }), '这张券已领完');
  for (const reason of [null, 'not_yet', 'had', 'had_today']) assert.equal(claims.overText({ reason }), '');
});

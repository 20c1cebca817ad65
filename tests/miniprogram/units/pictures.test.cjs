const test = require('node:test');
const assert = require('node:assert/strict');
const { SERVER } = require('../../../miniprogram/config.js');
const { pictureUrl } = require('../../../miniprogram/utils/http.js');

test('a picture has a whole address, and none has none', () => {
  assert.equal(pictureUrl('/api/v1/pictures/0f3c'), `${SERVER}/api/v1/pictures/0f3c`);
  assert.equal(pictureUrl(null), '');
});

const test = require('node:test');
const assert = require('node:assert/strict');

const stored = new Map();
globalThis.wx = {
  getStorageSync: (key) => stored.get(key) || '',
  setStorageSync: (key, value) => stored.set(key, value),
  removeStorageSync: (key) => stored.delete(key),
  getAppBaseInfo: () => ({ language: 'zh_CN' }),
};

const api = require('../../../miniprogram/utils/api.js');
const campaign = require('../../../miniprogram/utils/campaign.js');

const ID = '01KAGZ3V0M7Q2N4X8R6T5Y9W1E';
const told = [];
api.campaignOpened = async (id) => {
  told.push(id);
  throw new Error('no network');
};

api.automationOpened = async (no) => {
  told.push(`automation ${no}`);
  throw new Error('no network');
};

test.beforeEach(() => {
  stored.clear();
  told.length = 0;
});

test('who is signed in and comes by a message is told of, and nothing is in their way', async () => {
  stored.set('token', 't');
  await campaign.tell({ campaign: ID });
  assert.deepEqual(told, [ID]);
});

test('by an automation it is told of its number', async () => {
  stored.set('token', 't');
  await campaign.tell({ automation: '7' });
  assert.deepEqual(told, ['automation 7']);
});

test('nobody else is, nor what is no id', async () => {
  await campaign.tell({ campaign: ID });
  stored.set('token', 't');
  await campaign.tell({});
  await campaign.tell({ campaign: '../me' });
  for (const automation of ['', '0', '-1', '1.5', '../me', ID]) await campaign.tell({ automation });
  assert.deepEqual(told, []);
});

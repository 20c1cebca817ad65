/** The red dot on the inbox tab. */
const api = require('./api.js');

const INBOX_TAB = 2;

/** @param {import('./api.js').Message[]} messages the newest page */
function markUnread(messages) {
  const show = messages.some((message) => !message.read) ? wx.showTabBarRedDot : wx.hideTabBarRedDot;
  // Refused while a page without a tab bar is open; the next look sets it right.
  show({ index: INBOX_TAB, fail() {} });
}

function showUnread() {
  api.messages(null).then(
    ({ items }) => markUnread(items),
    (problem) => console.info('inbox not looked at:', api.asApiError(problem).code),
  );
}

module.exports = { markUnread, showUnread };

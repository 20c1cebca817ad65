/**
 * The invite by which somebody came, kept until they have signed in: by the picture of a mini-program code (`scene`)
 * or a friend's link (`invite`). Whoever is a member already is not brought again; the server decides that.
 */
const { sceneIn } = require('./scene.js');

const INVITE = 'invite';
const PAGE = 'pages/invite/index';
const CODE = /^[0-9A-Za-z]{10}$/;

/** @returns {string} */
const heard = () => wx.getStorageSync(INVITE) || '';
const forget = () => wx.removeStorageSync(INVITE);

/**
 * The code in a page's query; empty if there is none. Other pages have scenes of their own.
 * @param {string} path @param {{invite?: string, scene?: string}} query
 */
function codeIn(path, query) {
  const code = query.invite || (path === PAGE ? sceneIn(query) : '');
  return CODE.test(code) ? code : '';
}

/** @param {string} path @param {{invite?: string, scene?: string}} query @returns {string} */
function hear(path, query) {
  const code = codeIn(path, query);
  if (code) wx.setStorageSync(INVITE, code);
  return code;
}

module.exports = { PAGE, heard, hear, forget };

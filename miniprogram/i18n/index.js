/** The language in use: the member's own choice, else the phone's. */
const zh = require('./zh.js');
const en = require('./en.js');

/** @typedef {'zh' | 'en'} Language */
/** @typedef {Record<keyof typeof zh, string>} Texts */

const CHOICE_KEY = 'language';

/** @type {Record<Language, Texts>} */
const DICTIONARIES = { zh, en };

/** @returns {Language} */
function currentLanguage() {
  const chosen = wx.getStorageSync(CHOICE_KEY);
  if (chosen === 'zh' || chosen === 'en') return chosen;
  return wx.getAppBaseInfo().language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** @param {Language} language */
function chooseLanguage(language) {
  wx.setStorageSync(CHOICE_KEY, language);
}

/** @returns {Texts} */
function texts() {
  return DICTIONARIES[currentLanguage()];
}

/**
 * Puts values into a text: `fill('{n} s', {n: 3})` is `3 s`.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (mark, word) => (word in values ? String(values[word]) : mark));
}

/**
 * A number of points with its word: `1 point`, `27 points`; Chinese has one word for both.
 * @param {number} points
 * @param {string} shown how the number itself looks
 */
function withPoints(points, shown) {
  const t = texts();
  return fill(Math.abs(points) === 1 ? t.onePoint : t.manyPoints, { points: shown });
}

/** Tab titles and the page's own title do not live in WXML, so they follow the language by hand. */
/** @param {string} title */
function titlePage(title) {
  wx.setNavigationBarTitle({ title });
  const t = texts();
  [t.tabCode, t.tabPoints, t.tabMessages, t.tabMe].forEach((text, index) => {
    // Refused on pages without a tab bar, where there is nothing to name.
    wx.setTabBarItem({ index, text, fail() {} });
  });
}

module.exports = { currentLanguage, chooseLanguage, texts, fill, withPoints, titlePage };

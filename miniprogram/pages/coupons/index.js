/** What the member holds: to use, used, ended. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { heldView } = require('../../utils/coupon_view.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { texts, titlePage } = require('../../i18n/index.js');

const STATES = /** @type {const} */ (['usable', 'used', 'ended']);
/** @typedef {typeof STATES[number]} State */

/** A list for each tab, so that an answer that comes late lands in its own. */
const lists = STATES.map((state) => listPages((cursor) => api.coupons(state, cursor), heldView));

Component({
  data: {
    t: texts(),
    tabs: /** @type {{state: State, text: string}[]} */ ([]),
    state: /** @type {State} */ ('usable'),
    rows: /** @type {ReturnType<typeof heldView>[]} */ ([]),
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.couponsTitle);
      const names = { usable: t.usableTab, used: t.usedTab, ended: t.endedTab };
      this.setData({ t, tabs: STATES.map((state) => ({ state, text: names[state] })) });
      this.reload();
    },
  },

  methods: {
    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof heldView>[]} shown */
    async load(shown) {
      const { state } = this.data;
      const page = await lists[STATES.indexOf(state)].next(shown);
      if (!page || state !== this.data.state) return;
      this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    /** @param {WechatMiniprogram.TouchEvent} event */
    choose(event) {
      const { state } = event.currentTarget.dataset;
      if (state === this.data.state) return;
      this.setData({ state, rows: [], more: false, loading: true, error: '' });
      this.reload();
    },

    /** @param {WechatMiniprogram.TouchEvent} event */
    open(event) {
      wx.navigateTo({ url: `/pages/coupon/index?id=${event.currentTarget.dataset.id}` });
    },

    centre() {
      wx.navigateTo({ url: '/pages/coupon_centre/index' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

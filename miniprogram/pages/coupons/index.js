/** What the member holds: to use, used, ended. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { couponStore, chooseCouponStore, inCouponStore } = require('../../utils/coupon_store.js');
const { heldView } = require('../../utils/coupon_view.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { texts, titlePage } = require('../../i18n/index.js');

const STATES = /** @type {const} */ (['usable', 'used', 'ended']);
/** @typedef {typeof STATES[number]} State */

/** A list for each tab, so that an answer that comes late lands in its own. */
const lists = STATES.map((state) =>
  listPages((cursor) => inCouponStore((store) => api.coupons(state, store, cursor)), heldView),
);

const storeCode = () => (couponStore() || { store: '' }).store;

const stores = listPages(api.stores, (store) => store);

Component({
  data: {
    t: texts(),
    tabs: /** @type {{state: State, text: string}[]} */ ([]),
    state: /** @type {State} */ ('usable'),
    rows: /** @type {ReturnType<typeof heldView>[]} */ ([]),
    more: false,
    // Where they are to be used, and the stores to choose from once they are asked for.
    store: /** @type {import('../../utils/api.js').Store | null} */ (null),
    choosing: false,
    stores: /** @type {import('../../utils/api.js').Store[]} */ ([]),
    moreStores: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.couponsTitle);
      const names = { usable: t.usableTab, used: t.usedTab, ended: t.endedTab };
      this.setData({ t, store: couponStore(), tabs: STATES.map((state) => ({ state, text: names[state] })) });
      this.reload();
    },
  },

  methods: {
    /** @returns {Promise<void>} */
    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof heldView>[]} shown */
    async load(shown) {
      const { state } = this.data;
      const store = storeCode();
      const page = await lists[STATES.indexOf(state)].next(shown);
      if (!page || state !== this.data.state) return;
      // Another store was chosen meanwhile: this is not what is asked for any more.
      if (store !== storeCode()) {
        this.reload();
        return;
      }
      this.setData({ rows: page.rows, more: page.more, store: couponStore(), loading: false, guest: false, error: '' });
    },

    /** @param {WechatMiniprogram.TouchEvent} event */
    choose(event) {
      const { state } = event.currentTarget.dataset;
      if (state === this.data.state) return;
      this.setData({ state, rows: [], more: false, loading: true, error: '' });
      this.reload();
    },

    async askStores() {
      const choosing = !this.data.choosing;
      this.setData({ choosing });
      if (choosing && !this.data.stores.length) await this.furtherStores();
    },

    async furtherStores() {
      try {
        const page = await stores.next(this.data.stores);
        if (page) this.setData({ stores: page.rows, moreStores: page.more });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
    },

    /** @param {WechatMiniprogram.TouchEvent} event */
    chooseStore(event) {
      const { store } = event.currentTarget.dataset;
      chooseCouponStore(this.data.stores.find((one) => one.store === store) || null);
      this.setData({ store: couponStore(), choosing: false, rows: [], more: false, loading: true, error: '' });
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

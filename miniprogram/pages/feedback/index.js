/** Feedback: telling us something, and what one has told before. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { attempts } = require('../../utils/attempt.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { categories, threadView } = require('../../utils/feedback_view.js');
const { texts, titlePage } = require('../../i18n/index.js');

const threads = listPages(api.feedback, threadView);

const stores = listPages(api.stores, (store) => store);

/** Where one has bought last, if anything. @returns {Promise<import('../../utils/api.js').Store[]>} */
async function lastStore() {
  const { items } = await api.sales(null);
  return items.slice(0, 1).map((sale) => ({ store: sale.store_code, name: sale.store }));
}

const attempt = attempts();

Component({
  data: {
    t: texts(),
    categories: categories(),
    // Of a purchase it is about: its id, and what is said of it.
    sale: '',
    about: '',
    chosen: '',
    // Which store it is about: first that of the last purchase, which is chosen unless another is.
    stores: /** @type {import('../../utils/api.js').Store[]} */ ([]),
    moreStores: false,
    store: '',
    body: '',
    // A field of its own for each thing that is written: the next one begins empty.
    fields: [1],
    rows: /** @type {ReturnType<typeof threadView>[]} */ ([]),
    more: false,
    busy: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.feedback);
      this.setData({ t, categories: categories() });
      this.reload();
    },
  },

  methods: {
    /** @param {Record<string, string | undefined>} query */
    onLoad(query) {
      this.setData({ sale: query.sale || '', about: decodeURIComponent(query.about || '') });
    },

    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof threadView>[]} shown */
    async load(shown) {
      const page = await threads.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    choose({ currentTarget }) {
      this.setData({ chosen: currentTarget.dataset.id });
      if (currentTarget.dataset.id === 'store' && !this.data.sale && !this.data.stores.length) this.askStores();
    },

    async askStores() {
      try {
        const [last, page] = await Promise.all([lastStore(), stores.next([])]);
        if (page) this.showStores(last, page);
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
    },

    async furtherStores() {
      const page = await stores.next(this.data.stores).catch(() => null);
      if (page) this.showStores(this.data.stores, page);
    },

    /** @param {import('../../utils/api.js').Store[]} shown @param {{items: import('../../utils/api.js').Store[], more: boolean}} page */
    showStores(shown, page) {
      const [last] = shown;
      const others = page.items.filter((one) => !shown.some((known) => known.store === one.store));
      this.setData({ stores: shown.concat(others), moreStores: page.more, store: this.data.store || (last ? last.store : '') });
    },

    /** @param {{currentTarget: {dataset: {store: string}}}} event */
    chooseStore({ currentTarget }) {
      this.setData({ store: currentTarget.dataset.store });
    },

    /** @param {{detail: {value: string}}} event */
    write({ detail }) {
      this.setData({ body: detail.value });
    },

    async send() {
      const { t, sale, chosen, store, body, busy, fields } = this.data;
      // A purchase says by itself where it was made.
      const named = chosen === 'store' && !sale ? store : '';
      const opening = { category: chosen, body: body.trim(), sale: sale || null, store: named || null };
      if (busy || !opening.category || !opening.body) return;
      this.setData({ busy: true });
      try {
        await api.openFeedback(opening, await attempt.keyFor(opening));
        attempt.arrived();
        this.setData({ sale: '', about: '', chosen: '', body: '', fields: [fields[0] + 1] });
        wx.showToast({ title: t.feedbackSent, icon: 'none' });
        await this.reload();
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    open({ currentTarget }) {
      wx.navigateTo({ url: `/pages/feedback_thread/index?id=${currentTarget.dataset.id}` });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

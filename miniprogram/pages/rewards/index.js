/** The rewards mall: what points can be exchanged for, and what is still missing. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { itemView } = require('../../utils/reward_texts.js');
const { grouped } = require('../../utils/format.js');
const { texts, titlePage } = require('../../i18n/index.js');

/** @param {boolean} affordable */
const mall = (affordable) =>
  listPages((/** @type {string | null} */ cursor) => api.rewards(affordable, cursor), itemView);

const lists = { all: mall(false), affordable: mall(true) };

Component({
  data: {
    t: texts(),
    points: '–',
    affordable: false,
    rows: /** @type {ReturnType<typeof itemView>[]} */ ([]),
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.mallTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    async reload() {
      try {
        this.setData({ points: grouped((await api.points()).points) });
        await this.load([]);
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {ReturnType<typeof itemView>[]} shown */
    async load(shown) {
      const page = await (this.data.affordable ? lists.affordable : lists.all).next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{currentTarget: {dataset: {which: string}}}} event */
    choose({ currentTarget }) {
      this.setData({ affordable: currentTarget.dataset.which === 'affordable', rows: [], loading: true });
      this.reload();
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    open({ currentTarget }) {
      wx.navigateTo({ url: `/pages/reward/index?id=${currentTarget.dataset.id}` });
    },

    events() {
      wx.navigateTo({ url: '/pages/events/index?for_points=yes' });
    },

    orders() {
      wx.navigateTo({ url: '/pages/reward_orders/index' });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

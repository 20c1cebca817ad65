/** What is on: events that can be booked, the next first. */
const api = require('../../utils/api.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { eventView } = require('../../utils/event_texts.js');
const { texts, titlePage } = require('../../i18n/index.js');

/** @param {boolean} forPoints */
const events = (forPoints) =>
  listPages((/** @type {string | null} */ cursor) => api.events(forPoints, cursor), eventView);

const lists = { all: events(false), forPoints: events(true) };

Component({
  data: {
    t: texts(),
    forPoints: false,
    rows: /** @type {ReturnType<typeof eventView>[]} */ ([]),
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.events);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    /** @param {Record<string, string | undefined>} query `for_points`: from the rewards mall */
    onLoad(query) {
      this.setData({ forPoints: query.for_points === 'yes' });
    },

    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof eventView>[]} shown */
    async load(shown) {
      const { forPoints } = this.data;
      const page = await (forPoints ? lists.forPoints : lists.all).next(shown);
      if (page && forPoints === this.data.forPoints) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{currentTarget: {dataset: {which: string}}}} event */
    choose({ currentTarget }) {
      this.setData({ forPoints: currentTarget.dataset.which === 'forPoints', rows: [], more: false, loading: true });
      this.reload();
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    open({ currentTarget }) {
      wx.navigateTo({ url: `/pages/event/index?id=${currentTarget.dataset.id}` });
    },

    bookings() {
      wx.navigateTo({ url: '/pages/bookings/index' });
    },
  },
});

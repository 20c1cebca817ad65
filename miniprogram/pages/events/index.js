/** What is on: events that can be booked, the next first. */
const api = require('../../utils/api.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { eventView } = require('../../utils/event_texts.js');
const { texts, titlePage } = require('../../i18n/index.js');

const events = listPages(api.events, eventView);

Component({
  data: {
    t: texts(),
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
    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof eventView>[]} shown */
    async load(shown) {
      const page = await events.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
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

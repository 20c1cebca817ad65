/** One's bookings: what is to come, what one waits for, giving it up, and saying how it was. */
const api = require('../../utils/api.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { bookingView } = require('../../utils/event_texts.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

const bookings = listPages(api.bookings, bookingView);

Component({
  data: {
    t: texts(),
    rows: /** @type {ReturnType<typeof bookingView>[]} */ ([]),
    starChoices: /** @type {{n: number, said: string}[]} */ ([]),
    more: false,
    busy: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.myBookings);
      this.setData({ t, starChoices: [1, 2, 3, 4, 5].map((n) => ({ n, said: fill(t.starsOf, { n }) })) });
      this.reload();
    },
  },

  methods: {
    reload() {
      return this.load([]).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {ReturnType<typeof bookingView>[]} shown */
    async load(shown) {
      const page = await bookings.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** The member's own code lets them in. */
    code() {
      wx.switchTab({ url: '/pages/code/index' });
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    ask({ currentTarget }) {
      const { t, rows } = this.data;
      const booking = rows.find((row) => row.id === currentTarget.dataset.id);
      if (!booking) return;
      wx.showModal({
        title: fill(t.cancelBookingAsk, { title: booking.title }),
        content: booking.undoBody,
        confirmText: t.cancelBooking,
        cancelText: t.keep,
        success: ({ confirm }) => {
          if (confirm) this.carryOut(() => api.giveUpSeats(booking.id), t.bookingCancelled);
        },
      });
    },

    /** @param {{currentTarget: {dataset: {id: string, stars: number}}}} event */
    say({ currentTarget }) {
      const { t } = this.data;
      const { id, stars } = currentTarget.dataset;
      wx.showModal({
        title: fill(t.starsOf, { n: stars }),
        editable: true,
        placeholderText: t.howWasItBody,
        confirmText: t.say,
        cancelText: t.cancel,
        success: ({ confirm, content }) => {
          const comment = (content || '').replace(/\s+/g, ' ').trim().slice(0, 500);
          if (confirm) this.carryOut(() => api.sayHowItWas(id, Number(stars), comment), t.saidThanks);
        },
      });
    },

    /** @param {() => Promise<unknown>} deed @param {string} done */
    async carryOut(deed, done) {
      if (this.data.busy) return;
      this.setData({ busy: true });
      try {
        await deed();
        wx.showToast({ title: done, icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
      this.reload();
    },
  },
});

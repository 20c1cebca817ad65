/** One event: what it is, its sessions, and booking seats of one, or waiting for them. */
const api = require('../../utils/api.js');
const { attempts } = require('../../utils/attempt.js');
const { problemView } = require('../../utils/list_pages.js');
const { eventView, question } = require('../../utils/event_texts.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {ReturnType<typeof eventView>} EventView */

/** The booking that was asked for last: asked again, after an answer that was lost, it is the same one. */
const attempt = attempts();

Component({
  data: {
    t: texts(),
    id: '',
    event: /** @type {EventView | null} */ (null),
    chosen: /** @type {EventView['sessions'][number] | null} */ (null),
    seats: 1,
    waits: false,
    note: '',
    busy: false,
    guest: false,
    loading: true,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.eventTitle);
      this.setData({ t });
      if (this.data.id) this.reload();
    },
  },

  methods: {
    /** @param {Record<string, string | undefined>} query */
    onLoad(query) {
      this.setData({ id: query.id || '' });
    },

    async reload() {
      try {
        const event = eventView(await api.event(this.data.id));
        this.setData({ event, loading: false, guest: false, error: '' });
        const open = event.sessions.filter((one) => one.open);
        const kept = open.find((one) => this.data.chosen && one.id === this.data.chosen.id);
        // Where there is one session only, there is nothing to choose.
        this.show(kept || (event.sessions.length === 1 ? open[0] : undefined), this.data.seats);
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {EventView['sessions'][number] | undefined} chosen @param {number} seats */
    show(chosen, seats) {
      const { t } = this.data;
      if (!chosen) {
        this.setData({ chosen: null, seats: 1, waits: false, note: '' });
        return;
      }
      const wanted = Math.min(Math.max(seats, 1), chosen.seats_each);
      const waits = wanted > chosen.left;
      const wait = chosen.points || chosen.template_id ? t.waitNote : t.waitFreeNote;
      const note = waits ? wait : fill(t.bookNote, { hours: chosen.cancel_hours });
      this.setData({ chosen, seats: wanted, waits, note });
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    choose({ currentTarget }) {
      const { event } = this.data;
      if (event) this.show(event.sessions.find((one) => one.id === currentTarget.dataset.id), 1);
    },

    fewer() {
      this.show(this.data.chosen || undefined, this.data.seats - 1);
    },

    further() {
      this.show(this.data.chosen || undefined, this.data.seats + 1);
    },

    bookings() {
      wx.navigateTo({ url: '/pages/bookings/index' });
    },

    ask() {
      const { t, event, chosen, seats, waits } = this.data;
      if (!event || !chosen) return;
      wx.showModal({
        title: question(chosen, seats, waits),
        content: fill(t.eventAt, { title: event.title, when: chosen.when }),
        confirmText: waits ? t.joinWaiting : t.book,
        cancelText: t.cancel,
        success: ({ confirm }) => {
          if (confirm) this.book();
        },
      });
    },

    async book() {
      const { t, chosen, seats, waits, busy } = this.data;
      if (!chosen || busy) return;
      this.setData({ busy: true });
      const wish = { seats, points: chosen.points * seats, template_id: chosen.template_id, wait: waits };
      try {
        const made = await api.bookSeats(chosen.id, wish, await attempt.keyFor([chosen.id, wish]));
        attempt.arrived();
        wx.showToast({ title: made.state === 'waiting' ? t.nowWaiting : t.booked, icon: 'none' });
        this.bookings();
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
        this.reload();
      }
      this.setData({ busy: false });
    },
  },
});

/** Points: how many, what expires soon, and every change. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { grouped, signed, day, lastDay, minute } = require('../../utils/format.js');
const { texts, fill, withPoints, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').PointsEntry} entry */
function toRow(entry) {
  const t = texts();
  return {
    id: entry.id,
    text: entry.text,
    where: entry.store ? `${entry.store} · ${minute(entry.occurred_at)}` : minute(entry.occurred_at),
    waits:
      entry.points > 0 && entry.available_at && Date.parse(entry.available_at) > Date.now()
        ? fill(t.spendableFrom, { date: day(entry.available_at) })
        : '',
    expires: entry.points > 0 && entry.valid_through ? fill(t.expiresOn, { date: entry.valid_through }) : '',
    change: signed(entry.points),
    gain: entry.points > 0,
    after: fill(t.pointsAfter, { points: grouped(entry.balance_after) }),
  };
}

/** @param {import('../../utils/api.js').Points} points */
function summary({ points, owed, pending, expiring_soon: soon }) {
  const t = texts();
  // The phone's own calendar: the answer is for all stores at once.
  const expiring = soon.earliest_at
    ? fill(t.expiring, { points: withPoints(soon.points, grouped(soon.points)), date: lastDay(soon.earliest_at) })
    : t.noExpiring;
  const waiting = pending.earliest_at
    ? fill(t.pending, { points: withPoints(pending.points, grouped(pending.points)), date: day(pending.earliest_at) })
    : '';
  const debt = owed ? fill(t.owed, { points: withPoints(owed, grouped(owed)) }) : '';
  return { points: grouped(points), expiring, waiting, debt };
}

const log = listPages(api.pointsEntries, toRow);

Component({
  data: {
    t: texts(),
    points: '–',
    expiring: '',
    waiting: '',
    debt: '',
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.pointsTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    async reload() {
      try {
        this.setData(summary(await api.points()));
        await this.load([]);
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      const page = await log.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    mall() {
      wx.navigateTo({ url: '/pages/rewards/index' });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

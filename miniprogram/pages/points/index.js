/** Points: how many, what expires soon, and every change. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { grouped, signed, day, minute } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').PointsEntry} entry */
function toRow(entry) {
  const t = texts();
  return {
    id: entry.id,
    text: entry.text,
    where: entry.store ? `${entry.store} · ${minute(entry.occurred_at)}` : minute(entry.occurred_at),
    expires: entry.points > 0 && entry.expires_at ? fill(t.expiresOn, { date: day(entry.expires_at) }) : '',
    change: signed(entry.points),
    gain: entry.points > 0,
    after: fill(t.pointsAfter, { points: grouped(entry.points_after) }),
  };
}

/** @param {import('../../utils/api.js').Points} points */
function summary({ points, expiring_soon: soon }) {
  const t = texts();
  const expiring =
    soon && soon.points > 0 && soon.until
      ? fill(soon.points === 1 ? t.expiringOne : t.expiring, { points: grouped(soon.points), date: day(soon.until) })
      : '';
  return { points: grouped(points), expiring };
}

const log = listPages(api.pointsEntries, toRow);

Component({
  data: {
    t: texts(),
    points: '–',
    expiring: '',
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

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

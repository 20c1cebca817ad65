/** Checking in: days in a row, what each gives, and the month with the days that can be made up. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { problemView } = require('../../utils/list_pages.js');
const { monthDays, shifted } = require('../../utils/month.js');
const { givenText } = require('../../utils/given.js');
const { grouped } = require('../../utils/format.js');
const { texts, fill, withPoints, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').Calendar} Calendar */

function weekdays() {
  return Array.from(texts().weekdays).map((name, id) => ({ id, name }));
}

/** @param {Calendar} calendar */
function view(calendar) {
  const t = texts();
  const [year, month] = calendar.month.split('-').map(Number);
  const words = { checked: t.dayChecked, made_up: t.dayMadeUp, missed: t.dayMissed, plain: t.dayPlain, blank: '' };
  const next = givenText(calendar.rewards[calendar.next_day - 1]);
  return {
    calendar,
    streak: calendar.streak ? fill(t.streak, { n: calendar.streak }) : t.noStreak,
    next: next ? fill(t.nextGives, { given: next }) : '',
    rewards: calendar.rewards.map((reward, index) => ({
      day: fill(t.dayNth, { n: index + 1 }),
      given: givenText(reward) || t.nothing,
      isNext: index + 1 === calendar.next_day,
    })),
    title: fill(t.monthOf, { year, month }),
    cells: monthDays(calendar).map((cell) => ({ ...cell, aria: fill(words[cell.state], { date: cell.date }) })),
    isNow: calendar.month.slice(0, 7) === calendar.today.slice(0, 7),
    makeUps: calendar.make_ups_left ? fill(t.makeUpsLeft, { n: calendar.make_ups_left }) : '',
  };
}

Component({
  data: {
    t: texts(),
    week: weekdays(),
    calendar: /** @type {Calendar | null} */ (null),
    streak: '',
    next: '',
    rewards: /** @type {ReturnType<typeof view>['rewards']} */ ([]),
    title: '',
    cells: /** @type {ReturnType<typeof view>['cells']} */ ([]),
    isNow: true,
    makeUps: '',
    busy: false,
    none: false,
    guest: false,
    loading: true,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.checkInTitle);
      this.setData({ t, week: weekdays() });
      this.reload();
    },
  },

  methods: {
    reload() {
      return this.load(null);
    },

    /** @param {string | null} month */
    async load(month) {
      try {
        const calendar = await api.checkIns(month);
        this.setData({ ...view(calendar), none: false, guest: false, loading: false, error: '' });
      } catch (problem) {
        if (api.asApiError(problem).code === 'not_found') this.setData({ none: true, loading: false, error: '' });
        else this.setData(problemView(problem));
      }
    },

    former() {
      const { calendar } = this.data;
      if (calendar) this.load(shifted(calendar.month, -1));
    },

    later() {
      const { calendar, isNow } = this.data;
      if (calendar && !isNow) this.load(shifted(calendar.month, 1));
    },

    async checkIn() {
      const { t, calendar, busy } = this.data;
      if (!calendar || busy || calendar.checked_in_today) return;
      await this.doing(async () => {
        const given = givenText(await api.checkIn(calendar.activity_id));
        return given ? fill(t.checkInDone, { given }) : t.checkInPlain;
      });
    },

    /** @param {{currentTarget: {dataset: {date: string}}}} event */
    tapDay({ currentTarget }) {
      const { t, calendar, cells } = this.data;
      const { date } = currentTarget.dataset;
      const cell = cells.find((one) => one.date === date);
      if (!calendar || !cell || cell.state !== 'missed') return;
      const points = calendar.make_up_points;
      wx.showModal({
        title: t.makeUpTitle,
        content: points
          ? fill(t.makeUpAsk, { date, points: withPoints(points, grouped(points)) })
          : fill(t.makeUpFree, { date }),
        confirmText: t.ok,
        cancelText: t.cancel,
        success: ({ confirm }) => {
          if (!confirm) return;
          this.doing(async () => {
            await api.makeUp(calendar.activity_id, date);
            return t.makeUpDone;
          });
        },
      });
    },

    /** Does it, says what came of it, and looks again. @param {() => Promise<string>} what */
    async doing(what) {
      if (this.data.busy) return;
      this.setData({ busy: true });
      try {
        wx.showToast({ title: await what(), icon: 'none' });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
      await this.reload();
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

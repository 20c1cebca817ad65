/** The member's tier: how long it lasts, what it gives, what is missing to the next one and to keep it. */
const api = require('../../utils/api.js');
const { boundBy } = require('../../utils/bind_phone.js');
const { problemView } = require('../../utils/list_pages.js');
const { grouped, yuan } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').MyTier} MyTier */

/** Money by its sign, visits and growth value as numbers. @param {MyTier['basis']} basis @param {number} amount */
const counted = (basis, amount) => (basis === 'spend' ? `¥${yuan(amount)}` : grouped(amount));

/** How much of the way is gone, as a width. @param {number} amount @param {number} atLeast */
const part = (amount, atLeast) => `${atLeast > 0 ? Math.min(100, Math.floor((amount * 100) / atLeast)) : 100}%`;

/** @param {MyTier} tier */
function shown({ tier, valid_through: through, basis, amount, next, keep, benefits }) {
  const t = texts();
  /** @type {Record<string, string>} */
  const what = { spend: t.tierSpend, visits: t.tierVisits, growth: t.tierGrowth };
  const ways = [
    ...(next
      ? [{ id: 'next', heading: fill(t.tierNext, { tier: next.tier.name }), text: next.text, amount, goal: next.at_least }]
      : []),
    ...(keep
      ? [{ id: 'keep', heading: fill(t.tierKeep, { tier: tier.name }), text: keep.text, amount: keep.amount, goal: keep.at_least }]
      : []),
  ];
  return {
    name: tier.name,
    through: through ? fill(t.tierThrough, { date: through }) : t.tierForever,
    highest: Boolean(basis && !next),
    ways: ways.map((way) => ({
      ...way,
      width: part(way.amount, way.goal),
      counted: fill(t.tierCounted, {
        what: what[basis || 'spend'],
        amount: counted(basis, way.amount),
        goal: counted(basis, way.goal),
      }),
    })),
    benefits,
  };
}

Component({
  data: {
    t: texts(),
    name: '',
    through: '',
    highest: false,
    ways: /** @type {ReturnType<typeof shown>['ways']} */ ([]),
    benefits: /** @type {MyTier['benefits']} */ ([]),
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.tierTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    async reload() {
      try {
        this.setData({ ...shown(await api.tier()), loading: false, guest: false, error: '' });
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {WechatMiniprogram.ButtonGetPhoneNumber} event */
    async bindPhone(event) {
      if (await boundBy(event)) this.reload();
    },
  },
});

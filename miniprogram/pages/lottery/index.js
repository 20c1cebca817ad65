/** A lottery: its prizes with their odds, drawing for points or a chance, and what one has drawn. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { grouped, minute } = require('../../utils/format.js');
const { texts, fill, withPoints, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').Lottery} Lottery */

/** Odds in per cent with as many places as the smallest weight needs, at most four. */
/** @param {number} weight @param {number} total */
function percent(weight, total) {
  return `${String(Number(((weight / total) * 100).toFixed(4)))}%`;
}

/** @param {Lottery} lottery */
function prizeRows(lottery) {
  const t = texts();
  const total = lottery.prizes.reduce((sum, prize) => sum + prize.weight, 0);
  return lottery.prizes.map((prize) => {
    const left = prize.left === 0 ? t.prizeGone : fill(t.prizeLeft, { n: grouped(prize.left || 0) });
    const note = prize.left === null ? '' : left;
    return {
      id: prize.prize_no,
      name: prize.name,
      note,
      odds: fill(t.odds, { percent: percent(prize.weight, total) }),
    };
  });
}

/** What keeps the member from drawing, or until when they can. @param {Lottery} lottery */
function standing(lottery) {
  const t = texts();
  const { round } = lottery;
  const now = Date.now();
  if (!lottery.for_me) return { open: false, hint: t.notForMe };
  if (!round || Date.parse(round.ends_at) <= now) return { open: false, hint: t.betweenRounds };
  if (Date.parse(round.starts_at) > now) return { open: false, hint: fill(t.nextRound, { date: minute(round.starts_at) }) };
  return { open: lottery.draws_left_today > 0, hint: fill(t.roundUntil, { date: minute(round.ends_at) }) };
}

/** @param {Lottery} lottery */
function view(lottery) {
  const t = texts();
  const cost = lottery.cost_points;
  return {
    lottery,
    ...standing(lottery),
    chances: fill(t.chancesLeft, { n: grouped(lottery.chances_left) }),
    drawsLeft: fill(t.drawsLeft, { n: lottery.draws_left_today }),
    forPoints: cost === null ? '' : fill(t.drawForPoints, { points: withPoints(cost, grouped(cost)) }),
    prizes: prizeRows(lottery),
  };
}

/** Those of the same name are numbered. @param {Lottery[]} items */
function choices(items) {
  return items.map(({ id, name }) => {
    const alike = items.filter((one) => one.name === name);
    const nth = alike.findIndex((one) => one.id === id) + 1;
    return { id, name: alike.length > 1 ? `${name} ${nth}` : name };
  });
}

/** @param {import('../../utils/api.js').OwnDraw} draw */
function toRow(draw) {
  const t = texts();
  return {
    id: draw.id,
    name: draw.name,
    which: `${fill(t.drawNo, { round: draw.round_no, n: draw.draw_no })} · ${minute(draw.drawn_at)}`,
  };
}

let shownId = '';
const log = listPages((cursor) => api.ownDraws(shownId, cursor), toRow);

Component({
  data: {
    t: texts(),
    all: /** @type {{id: string, name: string}[]} */ ([]),
    lottery: /** @type {Lottery | null} */ (null),
    open: false,
    hint: '',
    chances: '',
    drawsLeft: '',
    forPoints: '',
    prizes: /** @type {ReturnType<typeof prizeRows>} */ ([]),
    result: '',
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    more: false,
    busy: false,
    none: false,
    guest: false,
    loading: true,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.lotteryTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    async reload() {
      try {
        const { items } = await api.lotteries();
        const lottery = items.find((one) => one.id === shownId) || items.find((one) => one.for_me) || items[0];
        if (!lottery) {
          this.setData({ none: true, loading: false, error: '' });
          return;
        }
        shownId = lottery.id;
        const all = items.length > 1 ? choices(items) : [];
        this.setData({ ...view(lottery), all, none: false, guest: false });
        await this.load([]);
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      const page = await log.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more, loading: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{currentTarget: {dataset: {id: string}}}} event */
    choose({ currentTarget }) {
      shownId = currentTarget.dataset.id;
      this.setData({ result: '', rows: [] });
      this.reload();
    },

    drawForPoints() {
      this.draw('points');
    },

    drawForChance() {
      this.draw('chance');
    },

    /** @param {'points' | 'chance'} payment */
    async draw(payment) {
      const { t, lottery, busy, open } = this.data;
      if (!lottery || busy || !open) return;
      this.setData({ busy: true, result: '' });
      try {
        const drawn = await api.drawLottery(lottery.id, payment);
        this.setData({ result: fill(drawn.instead ? t.wonInstead : t.won, { name: drawn.name }) });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
      await this.reload();
    },

    fairness() {
      const { lottery } = this.data;
      if (lottery) wx.navigateTo({ url: `/pages/fairness/index?id=${lottery.id}` });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

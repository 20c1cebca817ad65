/** The rewards mall: what points can be exchanged for, and what is still missing. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { bandView, itemView } = require('../../utils/reward_texts.js');
const { grouped } = require('../../utils/format.js');
const { texts, titlePage } = require('../../i18n/index.js');

/** @param {boolean} affordable @param {import('../../utils/api.js').Band | null} band */
const mall = (affordable, band) =>
  listPages((/** @type {string | null} */ cursor) => api.rewards(affordable, band, cursor), itemView);

/** What is looked at. Another choice takes its place, and what the former one still brings is not shown. */
let list = mall(false, null);

Component({
  data: {
    t: texts(),
    points: '–',
    affordable: false,
    bands: /** @type {ReturnType<typeof bandView>[]} */ ([]),
    band: '',
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
        const [{ points }, { bands }] = await Promise.all([api.points(), api.rewardBands()]);
        this.setData({ points: grouped(points), bands: bands.map(bandView) });
        // Where prices have changed they are cut elsewhere.
        if (this.data.band && !this.chosenBand()) this.narrow({ band: '' });
        await this.load([]);
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {ReturnType<typeof itemView>[]} shown */
    async load(shown) {
      const asked = list;
      const page = await asked.next(shown);
      if (page && asked === list) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{currentTarget: {dataset: {which: string}}}} event */
    choose({ currentTarget }) {
      this.narrow({ affordable: currentTarget.dataset.which === 'affordable' });
      this.reload();
    },

    /** The same band again takes it off. @param {{currentTarget: {dataset: {id: string}}}} event */
    chooseBand({ currentTarget }) {
      const { id } = currentTarget.dataset;
      this.narrow({ band: id === this.data.band ? '' : id });
      this.reload();
    },

    chosenBand() {
      return this.data.bands.find((one) => one.id === this.data.band) || null;
    },

    /** @param {{affordable?: boolean, band?: string}} choice what becomes another */
    narrow(choice) {
      this.setData({ ...choice, rows: [], more: false, loading: true });
      list = mall(this.data.affordable, this.chosenBand());
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

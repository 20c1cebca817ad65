/** How a lottery is kept fair: each round's commitment, and its seed once it is over. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { minute } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').Round} round */
function toRow(round) {
  const t = texts();
  return {
    id: round.id,
    name: fill(t.roundNo, { n: round.round_no }),
    when: `${minute(round.starts_at)} – ${minute(round.ends_at)}`,
    commitment: round.commitment,
    seed: round.seed || '',
  };
}

let lotteryId = '';
const log = listPages((cursor) => api.lotteryRounds(lotteryId, cursor), toRow);

Component({
  data: {
    t: texts(),
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    more: false,
    loading: true,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.fairnessTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    /** @param {{id?: string}} query which lottery */
    onLoad({ id }) {
      lotteryId = id || '';
    },

    reload() {
      return this.load([]);
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      try {
        const page = await log.next(shown);
        if (page) this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows);
    },

    /** @param {{currentTarget: {dataset: {text: string}}}} event */
    copy({ currentTarget }) {
      const { t } = this.data;
      wx.setClipboardData({
        data: currentTarget.dataset.text,
        success: () => wx.showToast({ title: t.copied, icon: 'none' }),
      });
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

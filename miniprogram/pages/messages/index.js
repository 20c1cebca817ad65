/** The inbox: every message the member got, whether or not WeChat delivered a notification. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { ask, offerAt } = require('../../utils/subscribe.js');
const { markUnread } = require('../../utils/unread.js');
const { minute } = require('../../utils/format.js');
const { texts, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').Message} message */
const toRow = (message) => ({ ...message, at: minute(message.created_at) });

const inbox = listPages(api.messages, toRow);

Component({
  data: {
    t: texts(),
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    more: false,
    loading: true,
    tell: /** @type {import('../../utils/subscribe.js').Question | null} */ (null),
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.messagesTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    reload() {
      return this.load([]).then(
        () => this.offer(),
        (problem) => this.setData(problemView(problem)),
      );
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      const page = await inbox.next(shown);
      if (!page) return;
      this.setData({ rows: page.rows, more: page.more, loading: false, guest: false, error: '' });
      markUnread(page.rows);
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {WechatMiniprogram.TouchEvent} event */
    async read(event) {
      const { id } = event.currentTarget.dataset;
      const row = this.data.rows.find((one) => one.id === id);
      if (!row || row.read) return;
      try {
        await api.readMessage(id);
        const rows = this.data.rows.map((one) => (one.id === id ? { ...one, read: true } : one));
        this.setData({ rows });
        markUnread(rows);
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
    },

    async offer() {
      this.setData({ tell: await offerAt('any') });
    },

    async tellMe() {
      if (this.data.tell) await ask(this.data.tell);
      this.offer();
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

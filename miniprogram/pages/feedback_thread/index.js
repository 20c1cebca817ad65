/** One thread of feedback: what was written, what was answered, and adding to it. */
const api = require('../../utils/api.js');
const { attempts } = require('../../utils/attempt.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { threadView } = require('../../utils/feedback_view.js');
const { minute } = require('../../utils/format.js');
const { texts, titlePage } = require('../../i18n/index.js');

/** @param {import('../../utils/api.js').FeedbackMessage} message */
function toRow(message) {
  const t = texts();
  const mine = message.author === 'member';
  return {
    no: message.message_no,
    mine,
    who: mine ? t.feedbackYou : t.feedbackWe,
    body: message.body || t.feedbackErased,
    at: minute(message.at),
  };
}

let shownId = '';
const log = listPages((cursor) => api.feedbackMessages(shownId, cursor), toRow);

const attempt = attempts();

Component({
  data: {
    t: texts(),
    id: '',
    thread: /** @type {ReturnType<typeof threadView> | null} */ (null),
    rows: /** @type {ReturnType<typeof toRow>[]} */ ([]),
    more: false,
    body: '',
    // A field of its own for each thing that is written: the next one begins empty.
    fields: [1],
    busy: false,
    guest: false,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.feedback);
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
        const found = await api.feedbackThread(this.data.id);
        shownId = found.id;
        this.setData({ thread: threadView(found), guest: false, error: '' });
        await this.load([]);
        if (found.unread) await api.readFeedback(found.id);
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {ReturnType<typeof toRow>[]} shown */
    async load(shown) {
      const page = await log.next(shown);
      if (page) this.setData({ rows: page.rows, more: page.more });
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows).catch((problem) => this.setData(problemView(problem)));
    },

    /** @param {{detail: {value: string}}} event */
    write({ detail }) {
      this.setData({ body: detail.value });
    },

    async send() {
      const { id, fields, busy } = this.data;
      const body = this.data.body.trim();
      if (busy || !body) return;
      this.setData({ busy: true });
      try {
        await api.addFeedback(id, body, await attempt.keyFor({ id, body }));
        attempt.arrived();
        this.setData({ body: '', fields: [fields[0] + 1] });
      } catch (problem) {
        wx.showToast({ title: api.asApiError(problem).message, icon: 'none' });
      }
      this.setData({ busy: false });
      await this.reload();
    },
  },
});

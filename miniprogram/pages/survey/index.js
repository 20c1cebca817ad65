/** One survey: its questions, answering them once, and what one got for it. */
const api = require('../../utils/api.js');
const { attempts } = require('../../utils/attempt.js');
const { problemView } = require('../../utils/list_pages.js');
const { blank, tooMany, tapped, missing, said } = require('../../utils/survey_form.js');
const { givenText } = require('../../utils/given.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/survey_form.js').Asked} Asked */

const attempt = attempts();

/** @param {import('../../utils/api.js').SurveyDone} done */
function thanks(done) {
  const t = texts();
  if (done.reward === 'used_up') return t.surveyUsedUp;
  const given = givenText(done);
  return given ? fill(t.surveyGot, { given }) : t.surveyThanksBody;
}

Component({
  data: {
    t: texts(),
    id: '',
    name: '',
    note: '',
    gives: '',
    formNo: 0,
    form: /** @type {Asked[]} */ ([]),
    ready: false,
    done: '',
    busy: false,
    guest: false,
    loading: true,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.surveys);
      this.setData({ t });
      // Coming back from another app, what is filled in stays.
      if (this.data.id && !this.data.ready) this.reload();
    },
  },

  methods: {
    /** @param {Record<string, string | undefined>} query */
    onLoad(query) {
      this.setData({ id: query.id || '' });
    },

    async reload() {
      const t = texts();
      try {
        const found = await api.survey(this.data.id);
        const given = givenText(found.reward);
        this.setData({
          name: found.name,
          note: found.anonymous ? t.surveyAnonymous : t.surveyNamed,
          gives: given && (found.reward_left ? fill(t.surveyGives, { given }) : t.surveyGone),
          formNo: found.form_no,
          form: found.asks.map(blank),
          done: found.answered ? t.surveyThanksBody : '',
          ready: true,
          loading: false,
          guest: false,
          error: '',
        });
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    /** @param {{currentTarget: {dataset: {no: number | string, value: number | string}}}} event */
    pick({ currentTarget }) {
      const { no, value } = currentTarget.dataset;
      const { t } = this.data;
      const over = this.data.form.find((asked) => asked.no === Number(no) && tooMany(asked, Number(value)));
      if (over) {
        wx.showToast({ title: fill(t.surveyMost, { n: over.most }), icon: 'none' });
        return;
      }
      const form = this.data.form.map((asked) => (asked.no === Number(no) ? tapped(asked, Number(value)) : asked));
      this.setData({ form });
    },

    /** @param {{currentTarget: {dataset: {no: number | string}}, detail: {value: string}}} event */
    write({ currentTarget, detail }) {
      const no = Number(currentTarget.dataset.no);
      const form = this.data.form.map((asked) => (asked.no === no ? { ...asked, text: detail.value } : asked));
      this.setData({ form });
    },

    async send() {
      const { t, id, form, formNo, busy } = this.data;
      if (busy) return;
      const lacking = missing(form);
      if (lacking) {
        wx.pageScrollTo({ selector: `.ask-${lacking}`, duration: 200 });
        wx.showToast({ title: fill(t.surveyMissing, { n: lacking }), icon: 'none' });
        return;
      }
      this.setData({ busy: true });
      const answer = { form_no: formNo, answers: said(form) };
      try {
        this.setData({ done: thanks(await api.answerSurvey(id, answer, await attempt.keyFor({ id, answer }))) });
      } catch (problem) {
        const { code, message } = api.asApiError(problem);
        wx.showToast({ title: message, icon: 'none' });
        if (code === 'survey_changed' || code === 'survey_answered') await this.reload();
      }
      this.setData({ busy: false });
    },
  },
});

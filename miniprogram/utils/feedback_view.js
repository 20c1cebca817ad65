/** A thread of feedback as pages show it. */
const { minute } = require('./format.js');
const { texts, fill } = require('../i18n/index.js');

function categories() {
  const t = texts();
  return [
    { id: 'product', name: t.feedbackProduct },
    { id: 'service', name: t.feedbackService },
    { id: 'store', name: t.feedbackStore },
    { id: 'app', name: t.feedbackApp },
    { id: 'other', name: t.feedbackOther },
  ];
}

/** @param {import('./api.js').FeedbackThread} thread */
function threadView(thread) {
  const t = texts();
  const states = { open: t.feedbackOpen, answered: t.feedbackAnswered, closed: t.feedbackClosed, erased: t.feedbackErased };
  const category = categories().find((one) => one.id === thread.category);
  return {
    id: thread.id,
    about: [category ? category.name : '', thread.store_name].filter(Boolean).join(' · '),
    state: states[thread.state],
    erased: thread.state === 'erased',
    first: thread.first || t.feedbackErased,
    news: thread.unread ? fill(t.feedbackNew, { n: thread.unread }) : '',
    at: minute(thread.last_at),
  };
}

module.exports = { categories, threadView };

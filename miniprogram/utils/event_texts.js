/** How events, their sessions and bookings are worded, for the three pages that show them. */
const { grouped } = require('./format.js');
const { pictureUrl } = require('./http.js');
const { texts, fill, withPoints } = require('../i18n/index.js');

/** What so many seats cost. @param {{points: number, template_id: string | null}} session @param {number} seats */
function price(session, seats) {
  const t = texts();
  if (session.template_id) return t.seatCoupon;
  return session.points ? withPoints(session.points * seats, grouped(session.points * seats)) : t.seatFree;
}

/** What is asked before seats are booked, or waited for. */
/** @param {{points: number, template_id: string | null}} session @param {number} seats @param {boolean} waits */
function question(session, seats, waits) {
  const t = texts();
  if (!session.points && !session.template_id) return waits ? t.waitFree : t.bookFree;
  const paid = session.template_id ? t.withCoupon : price(session, seats);
  return fill(waits ? t.waitAsk : t.bookAsk, { price: paid });
}

/** No line breaks within the hours: a word joiner stands on both sides of the dash. @param {string} when */
function unbroken(when) {
  return when.replace(/–/g, '\u2060–\u2060');
}

/** @param {import('./api.js').EventSession} session */
function sessionView(session) {
  const t = texts();
  const full = session.reason === 'full';
  return {
    ...session,
    when: unbroken(session.when),
    full,
    // Some seats may be left, and not as many as one wants: then, too, one may wait.
    open: session.available || full,
    price: price(session, 1),
    note: session.text || fill(t.seatsLeft, { n: grouped(session.left) }),
  };
}

/** @param {import('./api.js').ShopEvent} event */
function eventView(event) {
  const [first] = event.sessions;
  const count = event.sessions.length;
  const inAll = count > 1 ? fill(texts().sessionsInAll, { n: count }).replace(/ /g, '\u00a0') : '';
  const when = first ? [unbroken(first.when), inAll].filter(Boolean).join(' · ') : '';
  return { ...event, picture: pictureUrl(event.picture_url), when, sessions: event.sessions.map(sessionView) };
}

/** What there is to know of a booking now. @param {import('./api.js').Booking} booking */
function standing(booking) {
  const t = texts();
  switch (booking.state) {
    case 'waiting':
      return fill(t.standsWaiting, { n: booking.position || 1 });
    case 'booked':
      return t.standsBooked;
    case 'attended':
      return t.standsAttended;
    case 'no_show':
      return t.standsNoShow;
    default:
  }
  if (booking.cancelled_for === 'shop') return t.standsCalledOff;
  if (booking.cancelled_for === 'not_reached') return t.standsNotReached;
  const back = booking.points_back ? fill(t.seatsBack, { points: withPoints(booking.points_back, grouped(booking.points_back)) }) : '';
  return [t.standsCancelled, back].filter(Boolean).join(' · ');
}

/** @param {import('./api.js').Booking} booking */
function bookingView(booking) {
  const t = texts();
  const late = booking.state === 'booked' && Date.parse(booking.cancel_until) <= Date.now();
  const paid = booking.by_coupon ? t.seatCoupon : booking.points ? withPoints(booking.points, grouped(booking.points)) : t.seatFree;
  return {
    id: booking.id,
    title: booking.title,
    when: unbroken(booking.when),
    store: booking.store_name,
    price: booking.seats > 1 ? `${paid} · ${t.seats} ${booking.seats}` : paid,
    standing: standing(booking),
    on: booking.state === 'booked',
    undo: booking.may_cancel_until !== null,
    undoBody:
      late && booking.late_return_percent < 100 && (booking.points || booking.by_coupon)
        ? fill(t.cancelBookingLate, { percent: booking.late_return_percent })
        : t.cancelBookingBody,
    maySay: booking.feedback_until !== null,
    stars: booking.stars ? '★'.repeat(booking.stars) + '☆'.repeat(5 - booking.stars) : '',
    starsSaid: booking.stars ? fill(t.starsOf, { n: booking.stars }) : '',
  };
}

module.exports = { price, question, sessionView, eventView, bookingView };

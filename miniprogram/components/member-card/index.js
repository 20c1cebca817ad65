const { texts, fill } = require('../../i18n/index.js');
const { grouped, yuan } = require('../../utils/format.js');

/** Tiers with a look of their own; any other is shown like the first. */
const LOOKS = ['normal', 'silver', 'gold', 'black'];

Component({
  properties: {
    /** as `GET /api/v1/me` answers */
    member: { type: Object, value: {} },
    /** passed in so that the card follows a change of language */
    t: { type: Object, value: {} },
  },
  data: { name: '', no: '', tier: '', look: 'normal', points: '', balance: '' },
  observers: {
    'member, t'(/** @type {import('../../utils/session.js').Member} */ member) {
      if (!member.member_no) return;
      const t = texts();
      this.setData({
        name: member.name || t.hello,
        no: fill(t.memberNo, { no: member.member_no }),
        tier: member.tier.name,
        look: LOOKS.includes(member.tier.code) ? member.tier.code : LOOKS[0],
        points: grouped(member.points),
        balance: yuan(member.balance_fen),
      });
    },
  },
});

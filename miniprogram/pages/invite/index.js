/** Inviting friends: one's own picture and link, what both get, whom one has brought. A friend's link opens it, too. */
const api = require('../../utils/api.js');
const session = require('../../utils/session.js');
const invites = require('../../utils/invite.js');
const { listPages, problemView } = require('../../utils/list_pages.js');
const { givenText } = require('../../utils/given.js');
const { day } = require('../../utils/format.js');
const { texts, fill, titlePage } = require('../../i18n/index.js');

/** @typedef {import('../../utils/api.js').Invite} Invite */

/** @param {import('../../utils/api.js').Friend} friend */
function friendView(friend) {
  const t = texts();
  const given = givenText({ points: friend.points, coupons: friend.coupons, chances: 0 });
  return {
    id: friend.id,
    name: friend.name || t.newFriend,
    standing: given ? fill(t.friendBrought, { state: friend.state_text, given }) : friend.state_text,
    stands: friend.state === 'rewarded',
    note: fill(friend.state === 'pending' ? t.friendUntil : t.friendJoined, {
      date: day(friend.state === 'pending' ? friend.buy_until : friend.joined_at),
    }),
  };
}

/** @param {Invite} invite */
function view(invite) {
  const t = texts();
  const earned = givenText({ points: invite.points_earned, coupons: invite.coupons_earned, chances: 0 });
  return {
    invite,
    counts: [
      { id: 'invited', n: invite.invited, name: t.friendsInvited },
      { id: 'pending', n: invite.pending, name: t.friendsPending },
      { id: 'qualified', n: invite.qualified, name: t.friendsQualified },
    ],
    earned: earned ? fill(t.inviteEarned, { given: earned }) : '',
    full: invite.places_left === 0,
  };
}

const friends = listPages(api.friends, friendView);

Component({
  data: {
    t: texts(),
    came: false,
    invite: /** @type {Invite | null} */ (null),
    counts: /** @type {ReturnType<typeof view>['counts']} */ ([]),
    earned: '',
    full: false,
    picture: '',
    rows: /** @type {ReturnType<typeof friendView>[]} */ ([]),
    more: false,
    none: false,
    guest: false,
    loading: true,
    error: '',
  },

  pageLifetimes: {
    show() {
      const t = texts();
      titlePage(t.inviteTitle);
      this.setData({ t });
      this.reload();
    },
  },

  methods: {
    /** @param {{invite?: string, scene?: string}} query */
    onLoad(query) {
      this.setData({ came: invites.hear(invites.PAGE, query) !== '' });
    },

    /** What a friend gets to see in a chat. */
    onShareAppMessage() {
      const { t, invite } = this.data;
      return { title: t.inviteShare, path: invite ? invite.path : `/${invites.PAGE}` };
    },

    async reload() {
      try {
        this.setData({ ...view(await api.invite()), none: false, guest: false, loading: false, error: '' });
      } catch (problem) {
        if (api.asApiError(problem).code !== 'not_found') {
          this.setData(problemView(problem));
          return;
        }
        this.setData({ none: true, guest: false, loading: false, error: '' });
      }
      await Promise.all([this.draw(), this.load([])]);
    },

    /** Without a picture the link is there still. */
    async draw() {
      const { invite, picture } = this.data;
      if (!invite || picture) return;
      try {
        this.setData({ picture: await api.invitePicture(invite.code) });
      } catch (problem) {
        console.info('no picture of the invite:', api.asApiError(problem).code);
      }
    },

    /** @param {ReturnType<typeof friendView>[]} shown */
    async load(shown) {
      try {
        const page = await friends.next(shown);
        if (page) this.setData({ rows: page.rows, more: page.more });
      } catch (problem) {
        this.setData(problemView(problem));
      }
    },

    onReachBottom() {
      if (this.data.more) this.load(this.data.rows);
    },

    signIn() {
      session.signIn().then(
        () => this.reload(),
        (problem) => this.setData(problemView(problem)),
      );
    },
  },
});

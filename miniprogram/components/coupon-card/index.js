/** A coupon in a list: what it does, how long, and whether it can be used. */
Component({
  properties: {
    /** What `utils/coupon_view.js` makes. */
    coupon: { type: Object, value: {} },
  },
});

/**
 * The picture of an item, a coupon or an event. It says nothing that the name beside it does not, so that it is not read
 * out; without one, or where it cannot be had, nothing takes its place.
 */
Component({
  properties: {
    /** Address; empty: none. */
    src: String,
    /** `thumb` stands left of a name, `small` too where there is less room, `wide` over the whole card. */
    shape: { type: String, value: 'thumb' },
  },
  data: {
    /** The address that could not be had: another one is tried again. */
    failed: '',
  },
  methods: {
    gone() {
      this.setData({ failed: this.data.src });
    },
  },
});

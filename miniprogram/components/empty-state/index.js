/** What a page shows when it has nothing to show, with an optional button in the slot. */
Component({
  properties: {
    heading: { type: String, value: '' },
    body: { type: String, value: '' },
  },
});

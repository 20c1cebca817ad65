/** `image`, `switch` and `picker mode="date"`, as far as the mini-program uses them. */
import { onThisServer } from './phone.js';

const definitions = {
  image: {
    properties: { src: String, mode: String, lazyLoad: Boolean, ariaLabel: String, ariaHidden: String, role: String },
    data: { address: '' },
    observers: {
      src(src) {
        this.setData({ address: onThisServer(src) });
      },
    },
    methods: {
      broken() {
        this.triggerEvent('error', { errMsg: `GET ${this.data.src} fail` });
      },
    },
  },
  switch: {
    properties: { checked: Boolean, color: String, ariaLabel: String },
    methods: {
      toggle() {
        const value = !this.data.checked;
        this.setData({ checked: value });
        this.triggerEvent('change', { value });
      },
    },
  },
  picker: {
    properties: { mode: String, start: String, end: String, value: String, ariaLabel: String },
    methods: {
      changed(event) {
        this.triggerEvent('change', { value: event.detail.value });
      },
    },
  },
};

/** @param {any} space component space of glass-easel @param {any} templates compiled, by name */
export function addBuiltIns(space, templates) {
  for (const [name, definition] of Object.entries(definitions)) {
    const template = { groupList: templates, content: templates[name] };
    space.setGlobalUsingComponent(name, space.define(name).definition({ ...definition, template }).registerComponent());
  }
}

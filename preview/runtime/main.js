/** Starts the mini-program on glass-easel in this window. */
import * as glassEasel from 'glass-easel';
import { MiniProgramEnv } from 'glass-easel-miniprogram-adapter';
import { addBuiltIns } from './built_ins.js';
import { drawSurroundings } from './chrome.js';
import { listenToDates } from './dates.js';
import { createPages, parse } from './pages.js';
import { phone } from './phone.js';
import { toast } from './sheets.js';
import { createWx, phoneNumberDetail, tellLanguage } from './wx.js';

const SHARED_MS = 6000;
/** @type {ReturnType<typeof createPages>} */
let pages;

/**
 * The framework writes inline styles with setAttribute, which a strict style-src forbids; through the style object
 * the same text is allowed.
 */
function allowInlineStyles() {
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function setAttributeOrStyle(name, value) {
    if (name === 'style' && this instanceof HTMLElement) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}

function dispatch(target, type, detail, options) {
  const event = new glassEasel.Event(type, detail, options);
  glassEasel.Event.dispatchEvent(target, event);
  return event.defaultPrevented() ? glassEasel.EventBubbleStatus.NoDefault : glassEasel.EventBubbleStatus.Normal;
}

/** The framework's element for a DOM node, or for the nearest node around it that has one. */
function elementOf(node) {
  let at = node;
  while (at && !at.__wxElement) at = at.parentNode;
  return at && at.__wxElement;
}

/** A picture's error does not bubble: it is heard on its way down. @param {(image: any) => void} broken */
function listenToImages(broken) {
  const heard = ({ target }) => target instanceof HTMLImageElement && target.__wxElement && broken(target.__wxElement);
  document.addEventListener('error', heard, true);
}

/** No chat to send it to: what a friend would get is told, and copied where the browser lets us. */
function share() {
  const { path } = pages.current().caller.onShareAppMessage?.() || {};
  if (!path) return;
  navigator.clipboard?.writeText(path).catch(() => {});
  toast(path, SHARED_MS);
}

async function askForPhoneNumber(button) {
  dispatch(elementOf(button), 'getphonenumber', await phoneNumberDetail(), {});
}

function tapped(node) {
  if (node instanceof Element && node.closest('button[open-type="share"]')) share();
  const button = node instanceof Element && node.closest('button[open-type="getPhoneNumber"]');
  if (button) askForPhoneNumber(button);
}

function listenTo(backend) {
  backend.onEvent((target, type, detail, options) => {
    const node = options.originalEvent?.target;
    if (type === 'tap') tapped(node);
    const withValue = type === 'change' || type === 'input' ? { ...detail, value: node.value } : detail;
    return dispatch(target, type, withValue, options);
  });
  // A click without a pointer is a key: phones have no keyboard, browsers do.
  document.addEventListener('click', (event) => {
    const element = event.detail === 0 && elementOf(event.target);
    if (!element) return;
    tapped(event.target);
    dispatch(element, 'tap', {}, { bubbles: true, composed: true });
  });
  document.addEventListener('keydown', ({ key, target }) => {
    if (key === 'Enter' && target instanceof HTMLElement && target.getAttribute('role') === 'link') target.click();
  });
}

/** The link by which the phone opened it, if it leads to a page. @param {any} app app.json */
function openedBy(app) {
  const link = phone.invite ? `pages/invite/index?invite=${encodeURIComponent(phone.invite)}` : phone.scanned;
  return app.pages.includes(parse(link)[0]) ? link : '';
}

/** @param {{app: any, loadApp: () => void, components: any[], templates: any, builtIns: any}} program */
export async function start({ app, loadApp, components, templates, builtIns }) {
  allowInlineStyles();
  const answer = await fetch('config.json', { credentials: 'omit', cache: 'no-store' });
  const { sandbox, brand } = await answer.json();
  Object.assign(phone, { sandbox, brand });

  const env = new MiniProgramEnv();
  const space = env.createCodeSpace('', true);
  addBuiltIns(space.getComponentSpace(), builtIns);
  const backend = new glassEasel.CurrentWindowBackendContext();
  listenTo(backend);
  listenToImages((image) => dispatch(image, 'broken', {}, {}));
  listenToDates((field, value) => dispatch(elementOf(field), 'picked', { value }, {}));
  const associated = env.associateBackend(backend);

  for (const { name, json, scope } of components) {
    space.addComponentStaticConfig(name, json);
    space.addCompiledTemplate(name, { groupList: templates, content: templates[name] });
    if (!scope) continue;
    space.addStyleSheet(name, name, scope);
    // The rules are in mp.css; the framework only needs to know the sheet.
    associated.registerStyleSheetContent(name, '');
  }

  const configs = Object.fromEntries(components.map(({ name, json }) => [name, json]));
  pages = createPages(app, configs, (path) => associated.createRoot('wx-page', space, path));
  const link = openedBy(app);
  const [path, query] = parse(link || app.pages[0]);
  Object.assign(globalThis, {
    wx: createWx(pages),
    getCurrentPages: pages.opened,
    App: (options) => options.onShow?.({ path, query }),
  });

  loadApp();
  // Components before the pages that use them.
  for (const { name, load } of [...components].reverse()) space.globalComponentEnv(globalThis, name, load);
  drawSurroundings();
  tellLanguage();
  if (link) pages.navigateTo(link);
  else pages.switchTab(app.pages[0]);
}

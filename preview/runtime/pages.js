/** Pages as the phone keeps them: tab pages stay, the others are a stack on top. */
import { createTabBar, drawTitle } from './chrome.js';
import { el } from './dom.js';

const NEAR_BOTTOM_PX = 50;

/** The page of a link, and what the link tells it. @param {string} url @returns {[string, Record<string, string>]} */
export function parse(url) {
  const [path, query] = url.replace(/^\//, '').split('?');
  return [path, Object.fromEntries(new URLSearchParams(query || ''))];
}

/**
 * @param {any} app app.json
 * @param {Record<string, any>} configs page JSON by path
 * @param {(path: string) => any} createRoot makes a glass-easel root component
 */
export function createPages(app, configs, createRoot) {
  const tabBar = createTabBar(app.tabBar, (path) => switchTab(path));
  /** @type {Map<string, any>} */
  const kept = new Map();
  /** @type {any[]} the last one is on the screen */
  let stack = [];

  const current = () => stack[stack.length - 1];

  function open(path, query) {
    const slot = el('div');
    const box = el('div', { class: 'mp-page', 'data-route': path, tabindex: '0' }, slot);
    document.getElementById('pages').append(box);
    const root = createRoot(path);
    root.attach(box, slot);
    const page = { path, box, root, caller: root.get(), title: configs[path].navigationBarTitleText || '' };
    box.addEventListener('scroll', () => {
      const left = box.scrollHeight - box.scrollTop - box.clientHeight;
      if (left < NEAR_BOTTOM_PX) page.caller.onReachBottom?.();
    });
    stack.push(page);
    page.caller.onLoad?.(query);
    return page;
  }

  function hide(page) {
    if (!page) return;
    page.box.hidden = true;
    page.root.getComponent().triggerPageLifetime('hide', []);
  }

  function show(page) {
    page.box.hidden = false;
    tabBar.select(page.path);
    title(page.title);
    page.root.getComponent().triggerPageLifetime('show', []);
  }

  function close(page) {
    page.caller.onUnload?.();
    page.root.release();
    page.box.remove();
  }

  function title(text) {
    current().title = text;
    drawTitle(text, stack.length > 1, back);
  }

  function navigateTo(url) {
    hide(current());
    show(open(...parse(url)));
  }

  function back() {
    if (stack.length < 2) return;
    hide(current());
    close(stack.pop());
    show(current());
  }

  function switchTab(url) {
    const [path] = parse(url);
    if (current()?.path === path) return;
    hide(current());
    const leaving = stack.filter((page) => !tabBar.isTab(page.path));
    stack = [];
    if (kept.has(path)) stack.push(kept.get(path));
    else kept.set(path, open(path, {}));
    leaving.forEach(close);
    show(current());
  }

  /** As the phone's `getCurrentPages`: the last one is on the screen. */
  const opened = () => stack.map((page) => ({ route: page.path }));

  function scrollTo(selector) {
    current().box.querySelector(selector)?.scrollIntoView({ behavior: 'smooth', block: 'start' });
  }

  // The browser's Back is the phone's: it closes the page on top, and never leaves the phone.
  const stay = () => window.history.pushState({ phone: true }, '');
  window.addEventListener('popstate', () => {
    stay();
    back();
  });
  stay();

  return { current, opened, navigateTo, back, switchTab, scrollTo, title, tabBar };
}

/** What WeChat draws around a page: status bar, title with "back", tab bar; and the panel beside the phone. */
import { el } from './dom.js';
import { captureScreen, phone, say, setOffline } from './phone.js';

const byId = (id) => document.getElementById(id);

/** @param {string} title @param {boolean} canGoBack @param {() => void} goBack */
export function drawTitle(title, canGoBack, goBack) {
  byId('title').textContent = title;
  document.title = title;
  const back = byId('back');
  back.hidden = !canGoBack;
  back.setAttribute('aria-label', say('back'));
  back.onclick = goBack;
}

/**
 * @param {{list: {pagePath: string, text: string, iconPath: string, selectedIconPath: string}[]}} tabBar
 * @param {(path: string) => void} open
 */
export function createTabBar(tabBar, open) {
  const bar = byId('tabs');
  const dots = new Set();
  const tabs = tabBar.list.map((item) => ({ ...item }));
  let current = '';

  function draw() {
    bar.hidden = !tabs.some((tab) => tab.pagePath === current);
    bar.replaceChildren(
      ...tabs.map((tab, index) => {
        const here = tab.pagePath === current;
        const dot = dots.has(index) ? [el('span', { class: 'mp-dot', role: 'img', 'aria-label': say('newMark') })] : [];
        const icon = el('img', { src: here ? tab.selectedIconPath : tab.iconPath, alt: '', width: '27', height: '27' });
        return el(
          'button',
          { type: 'button', class: 'mp-tab', 'aria-current': here ? 'page' : undefined, onclick: () => open(tab.pagePath) },
          icon,
          el('span', { text: tab.text }),
          ...dot,
        );
      }),
    );
  }

  return {
    isTab: (path) => tabs.some((tab) => tab.pagePath === path),
    isShown: () => !bar.hidden,
    select(path) {
      current = path;
      draw();
    },
    rename(index, text) {
      tabs[index].text = text;
      draw();
    },
    /** @param {number} index @param {boolean} on */
    dot(index, on) {
      if (on) dots.add(index);
      else dots.delete(index);
      draw();
    },
  };
}

/** The phone's clock, and on wide screens the switches for what a real phone does by itself. */
export function drawSurroundings() {
  const tell = () => {
    byId('clock').textContent = new Date().toTimeString().slice(0, 5);
  };
  tell();
  setInterval(tell, 10000);

  const other = phone.user === 'demo' ? 'alice' : 'demo';
  const network = el('button', {
    type: 'button',
    'aria-pressed': 'false',
    text: say('network'),
    onclick: () => {
      setOffline(!phone.offline);
      network.setAttribute('aria-pressed', String(phone.offline));
    },
  });
  // The panel speaks the language of the phone, whatever the member chose in the mini-program.
  byId('aside').lang = phone.language === 'en' ? 'en' : 'zh-CN';
  byId('aside').replaceChildren(
    el('h2', { text: say('aside') }),
    el('p', { text: say('asideBody') }),
    el('p', {}, el('span', { text: `${say('who')}: ` }), el('strong', { text: phone.user })),
    el('button', { type: 'button', text: say('capture'), onclick: captureScreen }),
    network,
    el('a', { href: `?user=${other}`, target: '_blank', rel: 'noopener', text: `${say('another')} (${other})` }),
  );
}

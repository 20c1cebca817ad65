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
  // Made once: a tab that is being pressed, or has the focus, stays where it is when something about it changes.
  const tabs = tabBar.list.map((item) => {
    const icon = el('img', { src: item.iconPath, alt: '', width: '27', height: '27' });
    const name = el('span', { text: item.text });
    const dot = el('span', { class: 'mp-dot', role: 'img', 'aria-label': say('newMark') });
    const button = el('button', { type: 'button', class: 'mp-tab', onclick: () => open(item.pagePath) }, icon, name);
    bar.append(button);
    return { item, icon, name, dot, button };
  });
  const isTab = (path) => tabs.some(({ item }) => item.pagePath === path);

  return {
    isTab,
    isShown: () => !bar.hidden,
    select(path) {
      bar.hidden = !isTab(path);
      for (const { item, icon, button } of tabs) {
        const here = item.pagePath === path;
        icon.setAttribute('src', here ? item.selectedIconPath : item.iconPath);
        if (here) button.setAttribute('aria-current', 'page');
        else button.removeAttribute('aria-current');
      }
    },
    rename(index, text) {
      tabs[index].name.textContent = text;
    },
    /** @param {number} index @param {boolean} on */
    dot(index, on) {
      const { dot, button } = tabs[index];
      if (on) button.append(dot);
      else dot.remove();
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

/**
 * The part of `wx` that the mini-program uses, for a browser. WeChat's own servers are played by the sandbox.
 * Answers come later, never at once, as on a phone.
 */
import { listen, onThisServer, phone, sandbox, say } from './phone.js';
import { actionSheet, dialogue, permission, toast } from './sheets.js';

/** `wx.request` knows these and refuses PATCH. */
const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'];

/** Turns a promise into WeChat's callbacks. */
function answer(name, option, promise) {
  promise.then(
    (result) => {
      option.success?.({ errMsg: `${name}:ok`, ...result });
      option.complete?.({ errMsg: `${name}:ok` });
    },
    (fault) => {
      option.fail?.({ errMsg: `${name}:fail ${fault.message}` });
      option.complete?.({ errMsg: `${name}:fail` });
    },
  );
}

async function request({ url, method = 'GET', data, header = {}, timeout = 60000, responseType = 'text' }) {
  if (!METHODS.includes(method)) throw new Error('method is invalid');
  if (phone.offline) throw new Error('offline');
  const response = await fetch(onThisServer(url), {
    method,
    headers: header,
    body: data === undefined || method === 'GET' ? undefined : JSON.stringify(data),
    credentials: 'omit',
    cache: 'no-store',
    signal: AbortSignal.timeout(timeout),
  });
  if (responseType === 'arraybuffer') {
    return { statusCode: response.status, data: await response.arrayBuffer(), header: {} };
  }
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get('Content-Type') || '');
  return { statusCode: response.status, data: isJson && text ? JSON.parse(text) : text, header: {} };
}

async function subscribe(tmplIds) {
  const result = (await permission(say('subscribe'), say('subscribeItem'))) ? 'accept' : 'reject';
  const results = Object.fromEntries(tmplIds.map((id) => [id, result]));
  await sandbox('/_sim/subscribe', { results });
  return results;
}

/** WeChat checks what it is handed, shows what is to be paid, and tells the merchant's server by itself. */
async function pay({ timeStamp, nonceStr, package: prepay, signType, paySign }) {
  const { order } = await sandbox('/_sim/pay/request', { timeStamp, nonceStr, package: prepay, signType, paySign });
  if (!order) throw new Error('');
  const amount = `¥${(order.total_fen / 100).toFixed(2)}`;
  const which = { out_trade_no: order.out_trade_no };
  if (!(await permission(say('pay'), `${order.description} ${amount}`))) {
    await sandbox('/_sim/pay/cancel', which);
    throw new Error('cancel');
  }
  const { errMsg } = await sandbox('/_sim/pay/pay', which);
  if (errMsg !== 'requestPayment:ok') throw new Error('');
}

/** The code behind `<button open-type="getPhoneNumber">`; without consent there is none. */
export async function phoneNumberDetail() {
  if (!(await permission(say('phoneTitle'), phone.user))) return { errMsg: 'getPhoneNumber:fail user deny' };
  const { code } = await sandbox('/_sim/phone_code', {});
  return { errMsg: 'getPhoneNumber:ok', code };
}

const stored = (key) => `mp:${phone.user}:${key}`;

function readStored(key) {
  const text = localStorage.getItem(stored(key));
  return text === null ? '' : JSON.parse(text);
}

/** Where the mini-program keeps the member's choice (miniprogram/i18n); a browser wants to be told the language. */
const LANGUAGE = 'language';

export function tellLanguage() {
  const language = readStored(LANGUAGE) || phone.language;
  document.documentElement.lang = language === 'en' ? 'en' : 'zh-CN';
}

function store(key, change) {
  change(stored(key));
  if (key === LANGUAGE) tellLanguage();
}

/** @param {ReturnType<import('./pages.js').createPages>} pages */
export function createWx(pages) {
  const onTabBar = (name, option, change) => {
    const shown = pages.tabBar.isShown();
    if (shown) change();
    answer(name, option, shown ? Promise.resolve() : Promise.reject(new Error('not TabBar page')));
  };
  return {
    login: (option) => answer('login', option, sandbox('/_sim/login_code', {})),
    request: (option) => answer('request', option, request(option)),
    arrayBufferToBase64: (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('')),
    requestSubscribeMessage: (option) => answer('requestSubscribeMessage', option, subscribe(option.tmplIds)),
    requestPayment: (option) => answer('requestPayment', option, pay(option)),
    getAppBaseInfo: () => ({ language: phone.language }),
    getRandomValues: (option) =>
      answer('getRandomValues', option, Promise.resolve({ randomValues: crypto.getRandomValues(new Uint8Array(option.length)).buffer })),

    getStorageSync: readStored,
    setStorageSync: (key, value) => store(key, (name) => localStorage.setItem(name, JSON.stringify(value))),
    removeStorageSync: (key) => store(key, (name) => localStorage.removeItem(name)),
    setClipboardData: (option) => answer('setClipboardData', option, navigator.clipboard.writeText(option.data)),

    setKeepScreenOn() {},
    onUserCaptureScreen: (listener) => listen('capture', listener),
    onNetworkStatusChange: (listener) => listen('network', listener),

    navigateTo: ({ url }) => setTimeout(() => pages.navigateTo(url)),
    navigateBack: () => setTimeout(() => pages.back()),
    switchTab: ({ url }) => setTimeout(() => pages.switchTab(url)),
    setNavigationBarTitle: ({ title }) => pages.title(title),
    setTabBarItem: (option) => onTabBar('setTabBarItem', option, () => pages.tabBar.rename(option.index, option.text)),
    showTabBarRedDot: (option) => onTabBar('showTabBarRedDot', option, () => pages.tabBar.dot(option.index, true)),
    hideTabBarRedDot: (option) => onTabBar('hideTabBarRedDot', option, () => pages.tabBar.dot(option.index, false)),

    pageScrollTo: ({ selector }) => pages.scrollTo(selector),
    showToast: ({ title, duration = 1500 }) => toast(title, duration),
    showModal: (option) => answer('showModal', option, dialogue(option)),
    showActionSheet: (option) =>
      answer(
        'showActionSheet',
        option,
        actionSheet(option.itemList).then((tapIndex) => {
          if (tapIndex < 0) throw new Error('cancel');
          return { tapIndex };
        }),
      ),
  };
}
